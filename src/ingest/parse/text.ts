import { isUtf8 } from 'node:buffer';

/** A byte order mark, as U+FEFF. */
const bom = '\ufeff';

/**
 * Bytes of a record as text; `undefined` when they are not UTF-8. Node's decoder would put U+FFFD in place of a wrong
 * byte, and the row would be stored changed.
 * @param isFirst whether a byte order mark may lead it
 */
export function decodeUtf8(bytes: Uint8Array, isFirst: boolean): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return isFirst && text.startsWith(bom) ? text.slice(1) : text;
}

/** `undefined` when the text is not JSON; JSON itself has no such value. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the input and is not stable; the caller names the row.
    return undefined;
  }
}
