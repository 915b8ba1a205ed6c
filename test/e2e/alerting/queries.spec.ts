import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
import { startApp, type TestApp } from '../../harness/index.js';
import { type PrometheusStack, startPrometheus } from '../../harness/prometheus.js';
import { type Load, startLoad } from './load.js';

const thresholds = loadThresholds();
let app: TestApp;
let load: Load;
let prometheus: PrometheusStack;

beforeAll(async () => {
  app = await startApp();
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
  const shipped = renderRules({ rules, slos: sloRules, thresholds }, { ...shippedOptions, interval: '1s' });
  prometheus = await startPrometheus(app.baseUrl.replace('http://', ''), shipped);
  await new Promise((resolve) => setTimeout(resolve, 25_000));
}, 90_000);
afterAll(async () => {
  await load?.stop();
  await prometheus?.stop();
  await app?.stop();
});

/** As Grafana fills them in. */
const filledIn = (expr: string) =>
  expr
    .replaceAll('$p', 'job=~".*", instance=~".*"')
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$__range', '20s');

describe('against a real Prometheus that scrapes a live server under load', () => {
  it('every rule is evaluated without an error', async () => {
    expect(await prometheus.brokenRules()).toEqual([]);
  });

  it('no query of any panel is empty, unless it says why', async () => {
    const empty: string[] = [];
    for (const dashboard of dashboards) {
      for (const { panel, query } of queriesOf(dashboard)) {
        const result = await prometheus.query(filledIn(query.expr));
        if (result.length === 0 && query.mayBeEmpty === undefined) {
          empty.push(`${dashboard.title} › ${panel.title}: ${query.expr}`);
        }
      }
    }
    expect(empty).toEqual([]);
  }, 60_000);

  it('no rule looks at nothing, unless it says why', async () => {
    const empty: string[] = [];
    const seen = new Set<string>();
    for (const { name, rule } of liveAlerts(rules, thresholds)) {
      if (seen.has(rule.threshold)) continue;
      seen.add(rule.threshold);
      const result = await prometheus.query(promql(rule.signal, 20_000, rule.by));
      if (result.length === 0 && rule.mayBeEmpty === undefined)
        empty.push(`${name}: ${promql(rule.signal, 20_000, rule.by)}`);
    }
    expect(empty).toEqual([]);
  }, 60_000);

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
