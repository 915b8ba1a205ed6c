import { createHash } from 'node:crypto';

/**
 * SHA-256 over everything that determines a result: structure, names, numbers to the last bit, typed arrays by
 * their bytes. Two inputs share a hash only if they are equal.
 *
 * @returns 64 hexadecimal characters
 */
export function contentHash(value: unknown): string {
  const hash = createHash('sha256');
  feed(value, (chunk) => hash.update(chunk));
  return hash.digest('hex');
}

function feed(value: unknown, update: (chunk: string | Uint8Array) => void): void {
  if (ArrayBuffer.isView(value)) {
    update(`${value.constructor.name}:${value.byteLength}:`);
    update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (Array.isArray(value)) {
    update(`[${value.length}:`);
    for (const item of value) feed(item, update);
  } else if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).sort();
    update(`{${keys.length}:`);
    for (const key of keys) {
      update(`${JSON.stringify(key)}:`);
      feed((value as Record<string, unknown>)[key], update);
    }
  } else {
    // JSON would merge −0 with 0 and NaN with null.
    update(
      Object.is(value, -0)
        ? '-0;'
        : `${typeof value}:${typeof value === 'string' ? JSON.stringify(value) : String(value)};`,
    );
  }
}
