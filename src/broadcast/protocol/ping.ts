/** The two spellings that clients send: JavaScript's and Python's. Anything else takes the way through JSON. */
const shapes = [Buffer.from('{"type":"ping","timestamp":'), Buffer.from('{"type": "ping", "timestamp": ')];
const head = Buffer.from('{"type":"pong","timestamp":');
const middle = Buffer.from(',"server_time":');

const zero = 0x30;
const nine = 0x39;
const closeBrace = 0x7d;

/** Largest pong payload that the fast way writes, bytes. */
export const maxPongBytes = 125;

/**
 * Recognises `{"type":"ping","timestamp":<number>}` without parsing JSON.
 * @returns where the number starts and ends in `bytes`; 0 when the message is anything else
 */
export function pingNumber(bytes: Buffer, from: number, to: number): number {
  // The ninth or tenth byte tells the spelling: cheap enough to ask of every message.
  const shape = bytes[from + 9] === 0x70 ? shapes[0]! : shapes[1]!;
  const start = from + shape.length;
  if (to - start < 2 || to - start > 40 || bytes[to - 1] !== closeBrace) return 0;
  for (let i = 0; i < shape.length; i++) if (bytes[from + i] !== shape[i]) return 0;
  return isNumber(bytes, start, to - 1) ? start : 0;
}

/** Digits with at most one inner point and no leading zero: what a clock prints, and always valid JSON. */
function isNumber(bytes: Buffer, from: number, to: number): boolean {
  let points = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte >= zero && byte <= nine) continue;
    if (byte !== 0x2e || i === from || i === to - 1 || ++points > 1) return false;
  }
  return bytes[from] !== zero || to - from === 1 || bytes[from + 1] === 0x2e;
}

let stampMs = 0;
let stamp = Buffer.alloc(0);

/** Decimal digits of the clock, made once per millisecond. */
function clockDigits(nowMs: number): Buffer {
  if (nowMs !== stampMs) {
    stampMs = nowMs;
    stamp = Buffer.from(String(nowMs), 'latin1');
  }
  return stamp;
}

/**
 * Writes the whole frame of the answer: `{"type":"pong","timestamp":T,"server_time":now}` with T copied as it came.
 * @returns the position after it
 */
export function writePong(
  target: Buffer,
  at: number,
  bytes: Buffer,
  from: number,
  to: number,
  nowMs: number,
): number {
  const digits = clockDigits(nowMs);
  const size = head.length + (to - from) + middle.length + digits.length + 1;
  let p = at;
  target[p++] = 0x81;
  target[p++] = size;
  for (let i = 0; i < head.length; i++) target[p++] = head[i]!;
  for (let i = from; i < to; i++) target[p++] = bytes[i]!;
  for (let i = 0; i < middle.length; i++) target[p++] = middle[i]!;
  for (let i = 0; i < digits.length; i++) target[p++] = digits[i]!;
  target[p++] = closeBrace;
  return p;
}
