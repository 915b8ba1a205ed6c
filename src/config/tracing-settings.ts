import { parseArgs } from 'node:util';
import { Config } from './config.js';
import { readSettingsFile } from './settings-file.js';

/**
 * The settings of tracing, read before anything else is loaded. Wrong settings are `main.ts`' to report: here they mean
 * that nothing is recorded.
 */
export function readTracingSettings(): { readonly endpoint: string; readonly sampleRatio: number } | null {
  try {
    const { values } = parseArgs({
      options: { config: { type: 'string' } },
      strict: false,
      allowPositionals: true,
    });
    const file = typeof values.config === 'string' ? readSettingsFile(values.config).values : {};
    if (!process.env.OTEL_EXPORTER_OTLP_ENDPOINT && !file.OTEL_EXPORTER_OTLP_ENDPOINT) return null;
    const config = Config.from(process.env, file);
    const endpoint = config.get('OTEL_EXPORTER_OTLP_ENDPOINT');
    return endpoint === undefined ? null : { endpoint, sampleRatio: config.get('OTEL_TRACES_SAMPLER_ARG') };
  } catch {
    return null;
  }
}
