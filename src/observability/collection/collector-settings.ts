import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

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

/**
 * Reads the file that `COLLECTORS_CONFIG` names: per collector whether it runs, how often, and its own configuration.
 * @throws Error naming every wrong field
 */
export function readCollectorSettings(path: string | undefined): CollectorSettings {
  if (path === undefined) return {};
  const result = fileSchema.safeParse(parse(readFileSync(path, 'utf8')) ?? {});
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`${path}: ${issues.join('; ')}`);
}
