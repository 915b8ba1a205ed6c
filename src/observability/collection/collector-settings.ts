import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readDocument } from '../../domain/read-document.js';

/** Bounds of an interval, by file and by API alike. */
export const intervalSeconds = z.number().min(0.5).max(86_400);

const fileSchema = z.record(
  z.string(),
  z.strictObject({
    enabled: z.boolean().optional(),
    /** Not in a thread of its own, but in the server's: for a plugin that is trusted with it. */
    in_process: z.boolean().optional(),
    interval_seconds: intervalSeconds.optional(),
    config: z.record(z.string(), z.unknown()).optional(),
  }),
);
export type CollectorSettings = z.output<typeof fileSchema>;

/** An empty file is one that changes nothing. */
const fileOrNothing = z.preprocess((document) => document ?? {}, fileSchema);

/**
 * Reads the file that `COLLECTORS_CONFIG` names: per collector whether it runs, how often, and its own configuration.
 * @throws Error naming every wrong field
 */
export function readCollectorSettings(path: string | undefined): CollectorSettings {
  if (path === undefined) return {};
  try {
    return readDocument(fileOrNothing, readFileSync(path, 'utf8'), 'YAML');
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`);
  }
}
