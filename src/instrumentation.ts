/**
 * Loaded with `--import` before everything else, so that tracing can hook pg and ioredis before they are used.
 * Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing of OpenTelemetry's SDK is even loaded.
 */
import { readTracingSettings } from './config/tracing-settings.js';

const settings = readTracingSettings();
if (settings !== null) {
  const { startTracing } = await import('./observability/tracing/tracing-sdk.js');
  startTracing(settings);
}
