import { parse } from 'yaml';
import type { z } from 'zod';
import { documentFaults, plainly } from './document-faults.js';

/**
 * Reads a file of settings.
 * @throws Error in one line: every field that is wrong, what it must be and what was found; or where it is no JSON or YAML
 */
export function readDocument<S extends z.ZodType>(
  schema: S,
  text: string,
  syntax: 'JSON' | 'YAML',
): z.output<S> {
  let document: unknown;
  try {
    document = syntax === 'JSON' ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new Error(`is not ${syntax}${syntaxFault(error)}`);
  }
  const result = schema.safeParse(document, { error: plainly });
  if (result.success) return result.data;
  throw new Error(documentFaults(result.error.issues, document));
}

/** Where it is, without the text there, which may be a secret. */
function syntaxFault(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const place = /line (\d+),? column (\d+)/.exec(message);
  if (place !== null) return ` (line ${place[1]}, column ${place[2]})`;
  return message.includes('end of JSON input') ? ' (it ends too early)' : '';
}
