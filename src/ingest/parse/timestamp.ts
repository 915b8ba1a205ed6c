import { quoted, RowFault } from './row-fault.js';

/**
 * Source times outside this range are refused: before 1980 they are almost always seconds sent as milliseconds, after
 * 2100 microseconds.
 */
export const minTsMs = Date.UTC(1980, 0, 1);
export const maxTsMs = Date.UTC(2100, 0, 1);

const iso =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))$/i;

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Unix ms of a calendar time in UTC, fractions carrying what is below a millisecond.
 * @param nanos fraction of the second, 0–999,999,999
 * @returns NaN when there is no such time (month 13, 30 February, second 60)
 */
export function civilToMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  nanos: number,
): number {
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > (month === 2 && leap ? 29 : daysInMonth[month - 1]!)) return Number.NaN;
  // Days from civil: years are counted from March, so that the leap day is the last of its year.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  const ms = days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1_000;
  const wholeMs = Math.floor(nanos / 1_000_000);
  return ms + wholeMs + (nanos - wholeMs * 1_000_000) / 1_000_000;
}

/**
 * ISO 8601 date and time with a zone → Unix ms. A time without a zone is refused: guessing one would be a silent
 * default.
 * @returns NaN when it is not one
 */
function isoToMs(text: string): number {
  const m = iso.exec(text);
  if (m === null) return Number.NaN;
  const nanos = m[7] === undefined ? 0 : Number(m[7].padEnd(9, '0'));
  const ms = civilToMs(+m[1]!, +m[2]!, +m[3]!, +m[4]!, +m[5]!, m[6] === undefined ? 0 : +m[6], nanos);
  if (m[9] === undefined) return ms;
  const hours = +m[10]!;
  const minutes = +m[11]!;
  if (hours > 23 || minutes > 59) return Number.NaN;
  const offset = (hours * 60 + minutes) * 60_000;
  return m[9] === '+' ? ms - offset : ms + offset;
}

/** A source time as JSON has it: a number is Unix ms, a string ISO 8601 with a zone. */
export function readTs(value: unknown, field: string): number | RowFault {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? isoToMs(value) : Number.NaN;
  if (!Number.isFinite(ms)) {
    return new RowFault(
      'INVALID_TS',
      `${field} is ${quoted(value)}; expected Unix milliseconds or ISO 8601 with Z or an offset.`,
    );
  }
  if (ms < minTsMs || ms >= maxTsMs) {
    return new RowFault(
      'TS_OUT_OF_RANGE',
      `${field} is ${quoted(value)}; expected a time from 1980 to 2099, in milliseconds (not seconds or microseconds).`,
    );
  }
  return ms;
}
