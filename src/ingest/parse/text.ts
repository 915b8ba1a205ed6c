import { isUtf8 } from 'node:buffer';

/** A byte order mark, as U+FEFF. */
const bom = '\ufeff';

/**
 * Bytes of a record as text; `undefined` when they are not UTF-8. Node's decoder would put U+FFFD in place of a wrong
 * byte, and the row would be stored changed.
 * @param isFirst whether a byte order mark may lead it
 */
export function decodeUtf8(buf: Buffer, from: number, to: number, isFirst: boolean): string | undefined {
  const text = buf.toString('utf8', from, to);
  // The decoder's mark of a wrong byte may also have been sent as itself.
  if (text.includes('\ufffd') && !isUtf8(buf.subarray(from, to))) return undefined;
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
