const secretNames = /pass(?:word|wd|phrase)|secret|token|authorization|cookie|api[-_]?key|credential/i;
/** Deeper than this nothing is logged: what a log line needs is flat. */
const maxDepth = 5;

/** Hides the password in every URL of a text, and bearer tokens. */
export const redactText = (text: string): string =>
  text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s@/]*@/gi, '$1:***@')
    .replace(/\b(bearer[ .])[A-Za-z0-9._~+/=-]{8,}/gi, '$1***');

/** A copy of a log line's fields in which what may be a secret, by its name or its form, is `***`. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date)
    return value;
  if (depth === maxDepth) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = secretNames.test(key) && item !== null && item !== undefined ? '***' : redact(item, depth + 1);
  }
  return out;
}
