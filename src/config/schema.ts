import { z } from 'zod';

const integer = (min: number, max: number) =>
  z.coerce
    .number(`must be a whole number from ${min} to ${max}`)
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const onOff = z.enum(['on', 'off']);

/**
 * Every setting: environment variable name → schema. This folder is the only reader of `process.env`. A setting earns
 * its place by naming a decision an operator takes; everything else is a constant beside the code that uses it.
 * Documented, with units, in `.env.example` (a drift test compares the two).
 */
export const settings = {
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; other than loopback needs API_KEYS'),
  PORT: integer(0, 65535).default(8001).describe('TCP port; 0 takes a free one'),
  DATA_DIR: z
    .string()
    .min(1)
    .default('./.tidewatch')
    .describe('embedded PostgreSQL, generated secrets, logs'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('external PostgreSQL, with or without TimescaleDB; unset: embedded'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('external Redis; unset: a private redis-server when one is on the PATH, else in-process'),
  DEMO: onOff
    .optional()
    .describe('load the demo and replay its market; default on with the embedded database, else off'),
  DEMO_DAY_SECONDS: z.coerce
    .number()
    .positive()
    .max(86_400)
    .default(60)
    .describe('wall-clock seconds in which the demo replays one market day'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least severe log line written'),
  DB_WRITER_POOL_MAX: integer(1, 100).default(2).describe('connections that write ticks and metrics'),
  DB_READER_POOL_MAX: integer(1, 200).default(6).describe('connections that answer queries'),
  DB_ACQUIRE_TIMEOUT_MS: integer(100, 60_000)
    .default(3_000)
    .describe('longest wait for a pooled connection, ms'),
  INGEST_MAX_BODY_BYTES: integer(1_024, 2 ** 40)
    .default(2 ** 30)
    .describe('largest ingest request body after decompression, bytes'),
  INGEST_BUFFER_MAX_ROWS: integer(1_000, 10_000_000)
    .default(200_000)
    .describe('rows waiting for the writer before ingest answers 503'),
  WS_MAX_CONNECTIONS: integer(1, 1_000_000).default(20_000).describe('WebSocket connections per process'),
  SHUTDOWN_DRAIN_MS: integer(0, 8_000)
    .default(1_000)
    .describe('window over which WebSocket clients are asked to reconnect, ms'),
  METRICS_TOKEN: z.string().min(16).optional().describe('bearer token that GET /metrics asks for'),
  COLLECTORS_DIR: z
    .string()
    .optional()
    .describe('folders of collector plugins beside DATA_DIR/collectors, separated as in PATH'),
  COLLECTORS_CONFIG: z
    .string()
    .optional()
    .describe('YAML file: per collector enabled, interval_seconds, config'),
} as const satisfies Record<string, z.ZodType>;

export type SettingName = keyof typeof settings;
export type Settings = { readonly [K in SettingName]: z.output<(typeof settings)[K]> };
