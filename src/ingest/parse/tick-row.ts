import type { Tick } from '../../domain/tick.js';
import { bindColumns, cellNumber } from './csv-header.js';
import { type CellReader, scanRecord } from './csv-record-scanner.js';
import { keyIs, type MemberReader, scanObject } from './json-object-scanner.js';
import type { CsvBinding, RowKind } from './push-parser.js';
import { notAnObject, quoted, RowFault } from './row-fault.js';
import { byteClass, IdentifierScanner, scanIso, scanNumber, scanned } from './scan.js';
import { maxTsMs, minTsMs, readTs } from './timestamp.js';

/** Prices and sizes at or above this are refused: no instrument trades there, a wrong unit does. */
const maxAmount = 1e15;
const maxSymbolLength = 32;
const maxIdLength = 64;

const symbolPattern = /^[A-Za-z0-9._:/-]{1,32}$/;
const symbolBytes = byteClass(/[A-Za-z0-9._:/-]/);
/** Printable ASCII without `"`, `\`, `,` and `;`: what JSON and CSV write as it is. Other ids take the slow path. */
const plainIdBytes = byteClass(/[!#-+\--:<-[\]-~]/);
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

const aliases = {
  symbol: ['symbol', 'ticker'],
  ts: ['ts', 'ts_ms', 'timestamp', 'time'],
  price: ['price'],
  size: ['size', 'quantity', 'qty'],
  id: ['id', 'source_id', 'trade_id'],
} as const;
type Field = keyof typeof aliases;

/** The rules of a tick, whatever it was written in. `null` and `undefined` mean "not given" for size and id. */
function validTick(
  symbol: unknown,
  ts: unknown,
  price: unknown,
  size: unknown,
  id: unknown,
): Tick | RowFault {
  if (symbol === undefined) return new RowFault('MISSING_FIELD', 'symbol is missing.');
  if (ts === undefined) return new RowFault('MISSING_FIELD', 'ts is missing.');
  if (price === undefined) return new RowFault('MISSING_FIELD', 'price is missing.');
  if (typeof symbol !== 'string' || !symbolPattern.test(symbol)) {
    return new RowFault(
      'INVALID_SYMBOL',
      `symbol is ${quoted(symbol)}; expected 1 to ${maxSymbolLength} characters of A-Z a-z 0-9 . _ : / -`,
    );
  }
  const tsMs = readTs(ts, 'ts');
  if (tsMs instanceof RowFault) return tsMs;
  if (typeof price !== 'number' || !(price > 0 && price < maxAmount)) {
    return new RowFault(
      'INVALID_PRICE',
      `price is ${quoted(price)}; expected a number above 0 and below 1e15.`,
    );
  }
  if (size !== undefined && size !== null && (typeof size !== 'number' || !(size >= 0 && size < maxAmount))) {
    return new RowFault('INVALID_SIZE', `size is ${quoted(size)}; expected a number from 0 to below 1e15.`);
  }
  const sourceId = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : (id ?? null);
  if (sourceId !== null && (typeof sourceId !== 'string' || !isId(sourceId))) {
    return new RowFault(
      'INVALID_ID',
      `id is ${quoted(id)}; expected 1 to ${maxIdLength} printable characters or a whole number.`,
    );
  }
  // + 0: a size of -0 is 0.
  return { symbol, tsMs, price, size: size == null ? null : size + 0, sourceId };
}

const isId = (id: string): boolean =>
  id.length > 0 && id.length <= maxIdLength && id.isWellFormed() && !controlCharacter.test(id);

/** Bits for the fields that a scanned record has given. */
const seenSymbol = 1;
const seenTs = 2;
const seenPrice = 4;
const seenSize = 8;
const seenId = 16;
const required = seenSymbol | seenTs | seenPrice;

const symbols = new IdentifierScanner(symbolBytes, maxSymbolLength);

/** The fields of the record that is being scanned; in one place, so that the JSON and the CSV scanner share the rules. */
class TickScratch {
  private readonly numbers = new Float64Array(3);
  private symbol = '';
  private id = '';
  private seen = 0;

  reset(): void {
    this.seen = 0;
  }

  get complete(): boolean {
    return (this.seen & required) === required;
  }

  take(): Tick {
    return {
      symbol: this.symbol,
      tsMs: this.numbers[0]!,
      price: this.numbers[1]!,
      size: (this.seen & seenSize) === 0 ? null : this.numbers[2]!,
      sourceId: (this.seen & seenId) === 0 ? null : this.id,
    };
  }

  /** A second value for a field is left to the slow path. */
  private first(field: number): boolean {
    if ((this.seen & field) !== 0) return false;
    this.seen |= field;
    return true;
  }

  readSymbol(buf: Uint8Array, at: number, end: number): number {
    const next = symbols.scan(buf, at, end);
    if (next < 0 || !this.first(seenSymbol)) return -1;
    this.symbol = symbols.text;
    return next;
  }

  readTs(buf: Uint8Array, at: number, end: number, isText: boolean): number {
    const next = isText ? scanIso(buf, at, end) : scanNumber(buf, at, end);
    const ms = scanned[0]!;
    if (next < 0 || ms < minTsMs || ms >= maxTsMs || !this.first(seenTs)) return -1;
    this.numbers[0] = ms;
    return next;
  }

  readPrice(buf: Uint8Array, at: number, end: number): number {
    const next = scanNumber(buf, at, end);
    const price = scanned[0]!;
    if (next < 0 || price <= 0 || price >= maxAmount || !this.first(seenPrice)) return -1;
    this.numbers[1] = price;
    return next;
  }

  readSize(buf: Uint8Array, at: number, end: number): number {
    const next = scanNumber(buf, at, end);
    const size = scanned[0]!;
    if (next < 0 || size < 0 || size >= maxAmount || !this.first(seenSize)) return -1;
    this.numbers[2] = size + 0;
    return next;
  }

  readId(buf: Uint8Array, at: number, end: number): number {
    let i = at;
    while (i < end && plainIdBytes[buf[i]!] === 1) i++;
    if (i === at || i - at > maxIdLength || i >= end || !this.first(seenId)) return -1;
    let id = '';
    for (let k = at; k < i; k++) id += String.fromCharCode(buf[k]!);
    this.id = id;
    return i;
  }
}

/** Ticks: `{symbol, ts, price, size?, id?}`. */
export class TickRows implements RowKind<Tick> {
  readonly arrayKey = 'ticks';
  private readonly scratch = new TickScratch();
  private readonly members = new TickMembers(this.scratch);

  take(): Tick {
    return this.scratch.take();
  }

  scanJson(buf: Uint8Array, at: number, end: number): number {
    return scanObject(this.members, buf, at, end);
  }

  fromJson(value: unknown): Tick | RowFault {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return notAnObject;
    const record = value as Record<string, unknown>;
    for (const key of Object.keys(record)) {
      if (!(key === 'symbol' || key === 'ts' || key === 'price' || key === 'size' || key === 'id')) {
        return new RowFault('UNKNOWN_FIELD', `${quoted(key)} is not a field of a tick.`);
      }
    }
    return validTick(record.symbol, record.ts, record.price, record.size, record.id);
  }

  bindCsv(header: readonly string[], delimiter: number): CsvBinding<Tick> {
    const { fields, ignored } = bindColumns<Field>(header, aliases, ['symbol', 'ts', 'price']);
    return new TickCsv(fields, ignored, delimiter);
  }
}

class TickMembers implements MemberReader {
  constructor(private readonly scratch: TickScratch) {}

  reset(): void {
    this.scratch.reset();
  }

  get complete(): boolean {
    return this.scratch.complete;
  }

  read(buf: Uint8Array, key: number, keyLength: number, at: number, end: number, isText: boolean): number {
    const scratch = this.scratch;
    switch (keyLength) {
      case 2:
        if (keyIs(buf, key, 'ts')) return scratch.readTs(buf, at, end, isText);
        return isText && keyIs(buf, key, 'id') ? scratch.readId(buf, at, end) : -1;
      case 4:
        return !isText && keyIs(buf, key, 'size') ? scratch.readSize(buf, at, end) : -1;
      case 5:
        return !isText && keyIs(buf, key, 'price') ? scratch.readPrice(buf, at, end) : -1;
      case 6:
        return isText && keyIs(buf, key, 'symbol') ? scratch.readSymbol(buf, at, end) : -1;
      default:
        return -1;
    }
  }
}

class TickCsv implements CsvBinding<Tick>, CellReader<Field> {
  private readonly scratch = new TickScratch();

  constructor(
    private readonly fields: readonly (Field | undefined)[],
    readonly ignored: readonly string[],
    private readonly delimiter: number,
  ) {}

  take(): Tick {
    return this.scratch.take();
  }

  reset(): void {
    this.scratch.reset();
  }

  get complete(): boolean {
    return this.scratch.complete;
  }

  scan(buf: Uint8Array, at: number, end: number): number {
    return scanRecord(this, this.fields, this.delimiter, buf, at, end);
  }

  read(buf: Uint8Array, field: Field, at: number, end: number): number {
    const scratch = this.scratch;
    switch (field) {
      case 'symbol':
        return scratch.readSymbol(buf, at, end);
      case 'ts':
        return scratch.readTs(buf, at, end, at + 4 < end && buf[at + 4] === 0x2d);
      case 'price':
        return scratch.readPrice(buf, at, end);
      case 'size':
        return scratch.readSize(buf, at, end);
      case 'id':
        return scratch.readId(buf, at, end);
    }
  }

  fromCells(cells: readonly string[]): Tick | RowFault {
    const values: Partial<Record<Field, unknown>> = {};
    this.fields.forEach((field, column) => {
      const cell = cells[column]?.trim() ?? '';
      if (field !== undefined && cell !== '') {
        values[field] = field === 'symbol' || field === 'id' ? cell : cellNumber(cell);
      }
    });
    return validTick(values.symbol, values.ts, values.price, values.size, values.id);
  }
}
