import { z } from 'zod';
import { currencyCodes } from '../domain/currency.js';

const integer = (min: number, max: number) =>
  z.coerce
    .number(`must be a whole number from ${min} to ${max}`)
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const number = (min: number, max: number) => {
  const message = `must be a number from ${min} to ${max}`;
  return z.coerce.number(message).min(min, message).max(max, message);
};
const oneOf = <const V extends string>(...values: readonly V[]) =>
  z.enum(values, `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);
const url = (...schemes: readonly string[]) =>
  z.url({
    protocol: new RegExp(`^(${schemes.join('|')})$`),
    error: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });
const onOff = oneOf('on', 'off');

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
  DATABASE_URL: url('postgres', 'postgresql')
    .optional()
    .describe('external PostgreSQL, with or without TimescaleDB; unset: embedded'),
  REDIS_URL: url('redis', 'rediss')
    .optional()
    .describe('external Redis; unset: a private redis-server when one is on the PATH, else in-process'),
  DEMO: onOff
    .optional()
    .describe('load the demo and replay its market; default on with the embedded database, else off'),
  DEMO_DAY_SECONDS: z.coerce
    .number('must be a number above 0')
    .positive('must be above 0')
    .max(86_400, 'must be at most 86400')
    .default(60)
    .describe('wall-clock seconds in which the demo replays one market day'),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent')
    .default('info')
    .describe('least severe log line written'),
  DB_WRITER_POOL_MAX: integer(1, 100).default(2).describe('connections that write ticks and metrics'),
  DB_READER_POOL_MAX: integer(1, 200).default(6).describe('connections that answer queries'),
  DB_ACQUIRE_TIMEOUT_MS: integer(100, 60_000)
    .default(3_000)
    .describe('longest wait for a pooled connection, ms'),
  TIMESCALE: oneOf('auto', 'off')
    .default('auto')
    .describe(
      'use TimescaleDB where the server offers its community edition; read when the schema is created',
    ),
  TICK_RETENTION_DAYS: integer(1, 36_500).optional().describe('days that ticks are kept; unset: for ever'),
  METRIC_RETENTION_DAYS: integer(3, 36_500)
    .optional()
    .describe('days that raw metrics are kept (their roll-ups stay); unset: for ever'),
  INGEST_MAX_BODY_BYTES: integer(1_024, 2 ** 40)
    .default(2 ** 30)
    .describe('largest ingest request body after decompression, bytes'),
  TICKS_MAX_AHEAD_MS: integer(0, 366 * 86_400_000)
    .default(600_000)
    .describe('how far the time of a tick may lie ahead of our clock, ms'),
  INGEST_BUFFER_MAX_ROWS: integer(1_000, 10_000_000)
    .default(200_000)
    .describe('rows waiting for the writer before ingest answers 503'),
  WS_MAX_CONNECTIONS: integer(1, 1_000_000).default(20_000).describe('WebSocket connections per process'),
  WS_MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000)
    .default(20_000)
    .describe('WebSocket connections from one address; lower it when clients connect without a proxy'),
  WS_MAX_CONNECTIONS_PER_KEY: integer(1, 1_000_000)
    .default(2_000)
    .describe('WebSocket connections with one API key'),
  WS_CONNECTS_PER_SECOND: integer(1, 1_000_000)
    .default(5_000)
    .describe('WebSocket handshakes taken per second; a burst may be four times that'),
  WS_MAX_SUBSCRIPTIONS: integer(1, 100_000).default(1_000).describe('topics of one WebSocket connection'),
  WS_MESSAGES_PER_SECOND: integer(1, 100_000)
    .default(500)
    .describe(
      'messages other than pings that one connection may send per second; a burst may be four times that',
    ),
  WS_INGEST_MESSAGES_PER_SECOND: integer(1, 1_000_000)
    .default(20_000)
    .describe(
      'messages that one connection of /ws/ingest may send per second; a burst may be four times that',
    ),
  WS_MAX_MESSAGE_BYTES: integer(1_024, 64 * 2 ** 20)
    .default(2 ** 20)
    .describe('largest message from a WebSocket client, bytes'),
  WS_MAX_QUEUED_BYTES: integer(4_096, 2 ** 30)
    .default(2 ** 20)
    .describe('bytes that may wait for one slow client before its policy is applied'),
  WS_HEARTBEAT_MS: integer(100, 300_000)
    .default(25_000)
    .describe('interval of WebSocket pings; a peer silent for one more is gone, ms'),
  WS_FLUSH_MS: integer(1, 100)
    .default(10)
    .describe('longest time that messages are gathered while the hub is busy, ms'),
  WS_FLUSH_MESSAGES: integer(1, 100_000).default(1_000).describe('messages that end the gathering early'),
  WS_COMPRESSION: onOff
    .default('off')
    .describe('offer permessage-deflate; costs CPU, saves bytes above 1 KiB'),
  ANALYTICS_PUBLISH_MS: integer(0, 60_000)
    .default(100)
    .describe('shortest time between two published summaries of one portfolio, ms; 0: every change'),
  ANALYTICS_MEMORY_MB: integer(16, 1_048_576)
    .default(512)
    .describe('memory of all analytics windows; when short, every window gives up its oldest points, MB'),
  ANALYTICS_RECORD_MS: integer(100, 86_400_000)
    .default(1_000)
    .describe('shortest time between two recorded values of one portfolio (history), ms'),
  DEFAULT_CURRENCY: z
    .string()
    .refine((code) => currencyCodes.has(code), 'must be an ISO 4217 code such as USD')
    .default('USD')
    .describe('currency of prices whose symbol names none'),
  SYMBOL_CURRENCIES: z
    .string()
    .regex(
      /^[A-Za-z0-9._:/-]+\*?=[A-Z]{3}(,[A-Za-z0-9._:/-]+\*?=[A-Z]{3})*$/,
      'must be SYMBOL=EUR or PREFIX*=EUR, separated by commas',
    )
    .refine(
      (list) => list.split(',').every((pair) => currencyCodes.has(pair.slice(-3))),
      'must name currencies by their ISO 4217 codes',
    )
    .refine((list) => {
      const names = list.split(',').map((pair) => pair.split('=')[0]);
      return new Set(names).size === names.length;
    }, 'must name each symbol once')
    .optional()
    .describe('currencies of symbols: SAP=EUR,XETR:*=EUR; pairs such as EURUSD are known'),
  CALCULATORS: z
    .string()
    .min(1)
    .optional()
    .describe('modules with calculators of your own, separated as in PATH'),
  API_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe('path of the key file (hashes, scopes, portfolios, expiry); unset: open, loopback only'),
  BROKER: oneOf('auto', 'memory', 'redis')
    .default('auto')
    .describe('how processes hear each other: auto takes redis with an external REDIS_URL, else memory'),
  PUBLIC_URL: url('http', 'https')
    .optional()
    .describe('address under which people reach this server; for the links in notifications'),
  ALERT_WEBHOOK_URL: url('http', 'https')
    .optional()
    .describe('receives every alert as JSON; may hold a token, so it is shown redacted'),
  ALERT_SLACK_URL: url('http', 'https')
    .optional()
    .describe('incoming webhook of Slack or of what understands its messages; a secret'),
  ALERTMANAGER_URL: url('http', 'https')
    .optional()
    .describe('Alertmanager that gets the in-app alerts through its v2 API'),
  PROMETHEUS_URL: url('http', 'https')
    .optional()
    .describe('Prometheus that judges this server; doctor asks it whether the alerts can fire'),
  SHUTDOWN_DRAIN_MS: integer(0, 8_000)
    .default(1_000)
    .describe('window over which WebSocket clients are asked to reconnect, ms'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https')
    .optional()
    .describe('base URL of an OTLP/HTTP receiver for traces; unset: nothing is traced'),
  OTEL_TRACES_SAMPLER_ARG: number(0, 1)
    .default(0.01)
    .describe("share of the traces that are recorded; a client's own decision stands"),
  METRICS_TOKEN: z
    .string()
    .min(16, 'must have at least 16 characters')
    .optional()
    .describe('bearer token that GET /metrics asks for'),
  COLLECTORS_DIR: z
    .string()
    .optional()
    .describe('folders of collector plugins beside DATA_DIR/collectors, separated as in PATH'),
  COLLECTORS_CONFIG: z
    .string()
    .optional()
    .describe('YAML file: per collector enabled, interval_seconds, config'),
  RISK_WORKERS: integer(1, 64).default(1).describe('threads for heavy risk calculations'),
  RISK_QUEUE_MAX: integer(1, 10_000)
    .default(64)
    .describe('risk calculations that may wait for a thread before answers are 503'),
  RISK_DEADLINE_MS: integer(100, 600_000)
    .default(10_000)
    .describe('longest risk calculation, wait included, ms'),
  RISK_WINDOW_DAYS: integer(30, 10_000)
    .default(500)
    .describe('daily returns that the VaR of a portfolio is measured on'),
  RISK_MIN_OBSERVATIONS: integer(2, 10_000)
    .default(30)
    .describe('daily returns below which the VaR of a portfolio is refused'),
  RISK_LIVE_PATHS: integer(0, 1_000_000)
    .default(10_000)
    .describe('simulated paths kept per portfolio for Monte Carlo at tick speed; 0: none'),
  RISK_STATE_MAX_BYTES: integer(2 ** 20, 2 ** 40)
    .default(256 * 2 ** 20)
    .describe(
      'memory for incremental risk states; above it the paths, then the states, least recently used are dropped',
    ),
  RISK_PUBLISH_MS: integer(10, 60_000)
    .default(250)
    .describe('shortest time between two published risk figures of one portfolio, ms'),
  RISK_STORE_MS: integer(1_000, 3_600_000)
    .default(10_000)
    .describe('shortest time between two stored risk metrics of one portfolio, ms'),
  RISK_STALE_MS: integer(1_000, 31_536_000_000)
    .default(300_000)
    .describe('age of a price from which what-if denies orders, ms'),
} as const satisfies Record<string, z.ZodType>;

export type SettingName = keyof typeof settings;
export type Settings = { readonly [K in SettingName]: z.output<(typeof settings)[K]> };
