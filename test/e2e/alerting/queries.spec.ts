import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { queriesOf } from '../../../dashboards/house-style.js';
import { dashboards } from '../../../dashboards/index.js';
import {
  renderRules,
  shippedOptions,
} from '../../../src/observability/alerting/artefacts/prometheus-rules.js';
import { liveAlerts } from '../../../src/observability/alerting/live-rules.js';
import { promql } from '../../../src/observability/alerting/promql.js';
import { rules } from '../../../src/observability/alerting/rules/index.js';
import { sloRules } from '../../../src/observability/alerting/rules/slo.rules.js';
import { loadThresholds } from '../../../src/observability/alerting/thresholds.js';
import { postgres, startApp, type TestApp } from '../../harness/index.js';
import { type PrometheusStack, startPrometheus } from '../../harness/prometheus.js';
import { type Load, startLoad } from './load.js';
import { type BadPlugins, badPlugins, cancelledRequest, holdUpWriter } from './mishaps.js';

const thresholds = loadThresholds();
let app: TestApp;
let load: Load;
let prometheus: PrometheusStack;
let plugins: BadPlugins;
let DATABASE_URL: string;

beforeAll(async () => {
  DATABASE_URL = await postgres().freshDatabase();
  plugins = badPlugins();
  const client = new pg.Client(DATABASE_URL);
  await client.connect();
  await client.query('CREATE EXTENSION pg_stat_statements');
  await client.end();
  app = await startApp({ DATABASE_URL, ...plugins.settings });
  // Slow collectors would not have run twice within the test.
  const list = (await (await fetch(`${app.baseUrl}/api/v1/ops/collectors`)).json()) as {
    collectors: { name: string }[];
  };
  await Promise.all(
    list.collectors.map(({ name }) =>
      fetch(`${app.baseUrl}/api/v1/ops/collectors/${name}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ interval_seconds: 2 }),
      }),
    ),
  );
  load = await startLoad(app);
  expect(await cancelledRequest(DATABASE_URL, app.baseUrl)).toBe(503);
  const shipped = renderRules({ rules, slos: sloRules, thresholds }, { ...shippedOptions, interval: '1s' });
  prometheus = await startPrometheus(app.baseUrl.replace('http://', ''), shipped);
});
afterAll(async () => {
  await load?.stop();
  await prometheus?.stop();
  await app?.stop();
  plugins?.remove();
});

/** As Grafana fills them in. */
const filledIn = (expr: string) =>
  expr
    .replaceAll('$p', 'job=~".*", instance=~".*"')
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$__range', '20s');

/** What a server on plain PostgreSQL cannot show, and one that is not pushed to its limit. */
const emptyHere: readonly (string | undefined)[] = ['TimescaleDB is not in use', 'the engine keeps up'];
/** Long enough for several scrapes. */
const heldUpMs = 3_000;

interface Question {
  readonly name: string;
  readonly expr: string;
}

/** Those that have no answer yet after a time in which every collector has run several times. */
async function unanswered(questions: readonly Question[], limitMs = 30_000): Promise<readonly string[]> {
  let left = [...questions];
  const held = holdUpWriter(DATABASE_URL, heldUpMs);
  for (const end = Date.now() + limitMs; left.length > 0 && Date.now() < end; ) {
    const results = await Promise.all(left.map(({ expr }) => prometheus.query(expr)));
    left = left.filter((_, i) => results[i]?.length === 0);
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await held;
  return left.map(({ name, expr }) => `${name}: ${expr}`);
}

describe('against a real Prometheus that scrapes a live server under load', () => {
  it('every rule is evaluated without an error', async () => {
    expect(await prometheus.brokenRules()).toEqual([]);
  });

  it('no query of any panel is empty, but for what this server cannot show', async () => {
    const questions = dashboards.flatMap((dashboard) =>
      [...queriesOf(dashboard)]
        .filter(({ query }) => !emptyHere.includes(query.mayBeEmpty))
        .map(({ panel, query }) => ({
          name: `${dashboard.title} › ${panel.title}`,
          expr: filledIn(query.expr),
        })),
    );
    expect(questions.length).toBeGreaterThan(100);
    expect(await unanswered(questions)).toEqual([]);
  });

  it('no rule looks at nothing, but for what this server cannot show', async () => {
    const looked = new Map(
      liveAlerts(rules, thresholds)
        .filter(({ rule }) => !emptyHere.includes(rule.mayBeEmpty))
        .map(({ name, rule }) => [rule.threshold, { name, expr: promql(rule.signal, 20_000, rule.by) }]),
    );
    expect(looked.size).toBeGreaterThan(30);
    expect(await unanswered([...looked.values()])).toEqual([]);
  });

  it('the app and Prometheus say the same of the eight rows', async () => {
    const answer = (await (await fetch(`${app.baseUrl}/api/v1/ops/targets`)).json()) as {
      targets: { id: string; status: string; sample_count: number }[];
    };
    const known = answer.targets.filter(({ status }) => status !== 'unknown').map(({ id }) => id);
    expect(known).toEqual(
      expect.arrayContaining([
        'api_response_time',
        'websocket_latency',
        'query_time',
        'var_time',
        'analytics_update',
        'memory',
        'cpu',
      ]),
    );
    for (const id of known) {
      expect([id, (await prometheus.query(`tidewatch:target:value{target="${id}"}`)).length]).toEqual([
        id,
        1,
      ]);
    }
  });

  it('the alerts of the app that fire are those that Prometheus has', async () => {
    const answer = (await (await fetch(`${app.baseUrl}/api/v1/alerts?state=firing`)).json()) as {
      alerts: { name: string }[];
    };
    const ours = new Set(answer.alerts.map(({ name }) => name));
    const theirs = new Set(
      (await prometheus.alerts())
        .filter(({ state, labels }) => state === 'firing' && labels.alertname !== 'Watchdog')
        .map(({ labels }) => labels.alertname as string),
    );
    expect([...theirs].filter((name) => !ours.has(name))).toEqual([]);
  });
});
