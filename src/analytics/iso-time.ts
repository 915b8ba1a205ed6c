const dayMs = 86_400_000;
const two = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
let day = Number.NaN;
let date = '';

/**
 * Unix ms as ISO 8601 in UTC, whole milliseconds: `Date.prototype.toISOString` at a fifth of its cost for times of one
 * day, of which thousands a second go out.
 */
export function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  const of = Math.floor(whole / dayMs);
  if (of !== day) {
    date = new Date(whole).toISOString().slice(0, -13);
    day = of;
  }
  const inDay = whole - of * dayMs;
  const s = Math.floor(inDay / 1_000);
  const m = Math.floor(s / 60);
  const h = Math.floor(m / 60);
  const rest = inDay - s * 1_000;
  const milli = rest < 10 ? `00${rest}` : rest < 100 ? `0${rest}` : rest;
  return `${date}${two[h]}:${two[m - h * 60]}:${two[s - m * 60]}.${milli}Z`;
}
