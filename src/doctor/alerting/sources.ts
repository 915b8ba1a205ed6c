import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/config.js';
import { packageRoot } from '../../observability/alerting/thresholds.js';
import { catalogue } from '../../observability/catalogue/index.js';
import { discover } from '../../observability/collection/discovery.js';
import { placesOf } from '../../observability/collection/places.js';
import type { MetricSpec } from '../../observability/metric-spec.js';
import { type AlertRoutes, parseRoutes } from './routes.js';

/** A rule as the running server reports it. */
const serverRule = z.object({
  name: z.string(),
  severity: z.string(),
  judged_by: z.array(z.string()),
  state: z.string(),
  problems: z.array(z.string()),
  waiting_for: z.array(z.string()),
});
const serverAnswer = z.object({ rules: z.array(serverRule) });
export type ServerRule = z.output<typeof serverRule>;

const loadedRule = z.object({
  name: z.string(),
  state: z.string(),
  health: z.string(),
  lastError: z.string().optional(),
  duration: z.number(),
  labels: z.record(z.string(), z.string()),
});
const prometheusRules = z.object({
  status: z.literal('success'),
  data: z.object({ groups: z.array(z.object({ rules: z.array(loadedRule) })) }),
});
const prometheusVector = z.object({
  status: z.literal('success'),
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});
export type LoadedRule = z.output<typeof loadedRule>;

/** What one source says, or why it says nothing; `null`: there is no such source. */
export type Told<T> = T | { readonly silent: string } | null;
export const isSilent = (told: unknown): told is { readonly silent: string } =>
  typeof told === 'object' && told !== null && 'silent' in told;

export interface PrometheusFacts {
  readonly rules: readonly LoadedRule[];
  /** Names of the series that have a sample within the last five minutes. */
  readonly series: ReadonlySet<string>;
  /** Targets of the job, and how many of them answer. */
  readonly targets: number;
  readonly up: number;
}
export interface RouteFacts {
  readonly routes: AlertRoutes;
  /** Where the configuration is from. */
  readonly from: string;
}

export interface AlertFacts {
  readonly declared: ReadonlySet<string>;
  readonly server: Told<readonly ServerRule[]>;
  readonly prometheus: Told<PrometheusFacts>;
  readonly alertmanager: Told<RouteFacts>;
}

/** Asks everybody who knows something, side by side. */
export async function gatherFacts(
  config: Config,
  serverUrl: string | null,
  signal: AbortSignal,
): Promise<AlertFacts> {
  const prometheusUrl = config.get('PROMETHEUS_URL');
  const [declared, server, prometheus, alertmanager] = await Promise.all([
    declaredSeries(config),
    serverUrl === null ? null : told(`the server at ${serverUrl}`, () => askServer(serverUrl, signal)),
    prometheusUrl === undefined
      ? null
      : told(`Prometheus at ${shown(prometheusUrl)}`, () => askPrometheus(prometheusUrl, signal)),
    routesOf(config.get('ALERTMANAGER_URL'), signal),
  ]);
  return { declared, server, prometheus, alertmanager };
}

/** Every series name that this installation can export, and `up`, which is Prometheus' own. */
async function declaredSeries(config: Config): Promise<ReadonlySet<string>> {
  const { found } = await discover(placesOf(config));
  const specs: readonly Pick<MetricSpec, 'name' | 'type'>[] = [
    ...catalogue,
    ...found.flatMap(({ definition }) => definition.manifest.metrics),
  ];
  const suffixes = (type: MetricSpec['type']) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  return new Set(['up', ...specs.flatMap(({ name, type }) => suffixes(type).map((suffix) => name + suffix))]);
}

async function askServer(url: string, signal: AbortSignal): Promise<readonly ServerRule[]> {
  const answer = await fetch(`${url}/api/v1/alerts/rules`, { signal });
  if (answer.status === 401 || answer.status === 403) throw new Error('asks for an API key');
  return serverAnswer.parse(await json(answer)).rules;
}

async function askPrometheus(url: string, signal: AbortSignal): Promise<PrometheusFacts> {
  const api = async (path: string) => json(await fetch(`${trimmed(url)}/api/v1/${path}`, { signal }));
  const query = async (expr: string) =>
    prometheusVector.parse(await api(`query?query=${encodeURIComponent(expr)}`)).data.result;
  const [rules, series, up] = await Promise.all([
    api('rules?type=alert').then((body) => prometheusRules.parse(body).data.groups),
    query('count by (__name__) ({__name__=~"tidewatch_.+|up", job="tidewatch"})'),
    query('up{job="tidewatch"}'),
  ]);
  return {
    rules: rules.flatMap((group) => group.rules),
    series: new Set(series.map(({ metric }) => metric.__name__ ?? '')),
    targets: up.length,
    up: up.filter(({ value }) => value[1] === '1').length,
  };
}

/** Of the Alertmanager that runs, where one is configured; else of the shipped file. */
async function routesOf(url: string | undefined, signal: AbortSignal): Promise<Told<RouteFacts>> {
  if (url === undefined) {
    const from = 'alerts/alertmanager.yml';
    return told(from, async () => ({
      routes: parseRoutes(readFileSync(join(packageRoot(), from), 'utf8')),
      from,
    }));
  }
  const from = `Alertmanager at ${shown(url)}`;
  return told(from, async () => {
    const status = z.object({ config: z.object({ original: z.string() }) });
    const body = await json(await fetch(`${trimmed(url)}/api/v2/status`, { signal }));
    return { routes: parseRoutes(status.parse(body).config.original), from };
  });
}

async function json(answer: Response): Promise<unknown> {
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

async function told<T>(who: string, ask: () => Promise<T>): Promise<T | { readonly silent: string }> {
  try {
    return await ask();
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
    return { silent: `${who}: ${why.replaceAll(/\s+/g, ' ').slice(0, 200)}` };
  }
}

const trimmed = (url: string): string => url.replace(/\/+$/, '');
/** Without what a URL may carry in secret. */
const shown = (url: string): string => new URL(url).host;
