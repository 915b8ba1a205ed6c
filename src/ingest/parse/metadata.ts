import { RowFault } from './row-fault.js';

/** Largest metadata of one point, characters of its JSON text. */
const maxMetadataLength = 8_192;
/** Objects and arrays within each other. */
const maxDepth = 8;

/**
 * What JSON made again of anything wrong would show: escapes (U+0000, lone surrogates), `null` (Infinity), nesting. Flat
 * metadata of plain texts and numbers, the usual kind, has none of them.
 */
const maySuspect = /[\\[]|null|.\{/s;

const fault = (what: string): RowFault => new RowFault('INVALID_METADATA', `metadata ${what}.`);

/** `jsonb` refuses these, and with them the whole batch that they came in. */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

/**
 * Metadata as `jsonb` text.
 * @param value what `JSON.parse` made of it; numbers that overflowed to Infinity are refused
 */
export function readMetadata(value: unknown): string | null | RowFault {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) return fault('is not a JSON object');
  const text = JSON.stringify(value);
  if (maySuspect.test(text)) {
    const wrong = findUnstorable(value, 1);
    if (wrong !== undefined) return fault(wrong);
  }
  if (text.length > maxMetadataLength) return fault(`is longer than ${maxMetadataLength} characters`);
  return text === '{}' ? null : text;
}

function findUnstorable(value: object, depth: number): string | undefined {
  if (depth > maxDepth) return `is nested more than ${maxDepth} levels deep`;
  for (const [key, child] of Object.entries(value)) {
    if (!isStorable(key)) return 'has a key with U+0000 or a lone surrogate';
    if (typeof child === 'string' && !isStorable(child)) return 'has a text with U+0000 or a lone surrogate';
    if (typeof child === 'number' && !Number.isFinite(child)) return 'has a number out of range';
    if (typeof child === 'object' && child !== null) {
      const wrong = findUnstorable(child, depth + 1);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}
