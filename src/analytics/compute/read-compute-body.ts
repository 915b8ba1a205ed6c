import { duplicateKey } from '../../domain/duplicate-key.js';
import { computeRequest } from './compute.dto.js';
import type { ComputeTask } from './compute-task.js';

/** One thing that is wrong with the body, as the schema reports it; plain data. */
export interface BodyIssue {
  readonly message: string;
  readonly path: PropertyKey[];
  readonly code: string;
  readonly keys?: readonly string[];
  /** Of a wrong type: what it should have been. */
  readonly expected?: string;
}

export type ReadBody =
  | { readonly task: ComputeTask }
  | { readonly issues: readonly BodyIssue[] }
  /** Not JSON: why. */
  | { readonly malformed: string };

/** Parses and validates; for the event loop and for worker threads alike, hence no errors of our own classes. */
export function readComputeBody(body: Uint8Array): ReadBody {
  let json: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    json = JSON.parse(text);
    const twice = duplicateKey(text, json);
    if (twice !== undefined) return { malformed: `${twice} is given twice` };
  } catch (error) {
    return { malformed: error instanceof Error ? error.message : String(error) };
  }
  const parsed = computeRequest.safeParse(json);
  if (parsed.success) return { task: parsed.data };
  return {
    issues: parsed.error.issues.map((issue) => ({
      message: issue.message,
      path: [...issue.path],
      code: issue.code,
      ...(issue.code === 'unrecognized_keys' ? { keys: issue.keys } : {}),
      ...(issue.code === 'invalid_type' ? { expected: issue.expected } : {}),
    })),
  };
}
