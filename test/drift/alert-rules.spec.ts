import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { dashboards } from '../../dashboards/index.js';
import { artefacts } from '../../src/observability/alerting/artefacts/alert-rules.artefact.js';
import {
  prometheusRules,
  shippedOptions,
} from '../../src/observability/alerting/artefacts/prometheus-rules.js';
import { liveAlerts, liveBurns } from '../../src/observability/alerting/live-rules.js';
import { rules } from '../../src/observability/alerting/rules/index.js';
import { sloRules } from '../../src/observability/alerting/rules/slo.rules.js';
import { selectionsOf } from '../../src/observability/alerting/signal.js';
import { loadThresholds, packageRoot, toBase } from '../../src/observability/alerting/thresholds.js';
import { catalogue } from '../../src/observability/catalogue/index.js';
import { latencyRows } from '../../src/observability/latency-windows.js';
import { collectorDefinitions, knownSeries, parsePromql, unknownNames } from './promql.js';

const root = packageRoot();
const thresholds = loadThresholds();
const entries = [...prometheusRules({ rules, slos: sloRules, thresholds }, shippedOptions).values()].flat();
const alerts = entries.filter((entry) => 'alert' in entry);
const alertNames = [...new Set(alerts.map(({ alert }) => alert))];
const handWritten = ['outside.test.yml'];

interface PromtoolTest {
  readonly name: string;
  readonly input_series?: readonly { readonly series: string }[];
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

/** What a promtool test asks, and in which order. */
function ruleTest(test: PromtoolTest) {
  return {
    name: test.name,
    series: (test.input_series ?? []).map(({ series }) => series),
    asks: (test.promql_expr_test ?? []).map(({ expr, exp_samples }) => ({
      expr,
      fires: exp_samples.length > 0,
    })),
  };
}

describe('Prometheus rules', () => {
  it('are what the thresholds generate, and nothing else', async () => {
    const generated = await artefacts();
    for (const { path, text } of generated) {
      expect({ path, text: readFileSync(join(root, path), 'utf8') }).toEqual({ path, text });
    }
    for (const folder of ['alerts/rules', 'alerts/tests']) {
      const expected = generated
        .filter(({ path }) => path.startsWith(folder))
        .map(({ path }) => path.slice(folder.length + 1));
      const own = folder === 'alerts/tests' ? handWritten : [];
      expect(readdirSync(join(root, folder)).sort()).toEqual([...expected, ...own].sort());
    }
  });

  it('name only metrics, labels and label values that something exports', async () => {
    const known = await knownSeries();
    const wrong = entries.flatMap((entry) => {
      const expression = parsePromql(entry.expr);
      const name = 'alert' in entry ? entry.alert : entry.record;
      return [...expression.errors, ...unknownNames(expression, known)].map((text) => `${name}: ${text}`);
    });
    expect(wrong).toEqual([]);
  });

  it('say what they are about, where to look and what to do', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect({ alert, labels, annotations }).toEqual({
        alert,
        labels: expect.objectContaining({
          severity: expect.stringMatching(/^(warning|critical|none)$/),
          threshold: expect.any(String),
        }),
        annotations: expect.objectContaining({
          summary: expect.stringMatching(/^.{10,150}$/),
          description: expect.stringMatching(/^.{30,}$/),
          runbook: `alerts/runbooks/${alert}.md`,
          dashboard_url: expect.stringContaining('/d/tidewatch-'),
        }),
      });
    }
  });

  it('fire under names of their own', () => {
    const names = alerts.map(({ alert, labels }) => `${alert} ${labels.severity} ${labels.long ?? ''}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  describe('have tests for promtool', () => {
    const cases = readdirSync(join(root, 'alerts/tests')).flatMap((file) =>
      (parse(readFileSync(join(root, 'alerts/tests', file), 'utf8')) as { tests: PromtoolTest[] }).tests.map(
        ruleTest,
      ),
    );
    /** What has no threshold, and fires all the time. */
    const alwaysFires = 'Watchdog';
    const judged = alerts.filter(({ alert }) => alert !== alwaysFires);
    const of = (alert: (typeof alerts)[number]) =>
      cases.filter(
        ({ name, asks }) =>
          name.split(':')[0] === [alert.alert, alert.labels.long].filter(Boolean).join(' ') &&
          asks.every(({ expr }) => expr.includes(`alertname="${alert.alert}"`)) &&
          asks.every(
            ({ expr }) => !expr.includes('severity=') || expr.includes(`severity="${alert.labels.severity}"`),
          ),
      );

    it.each(['below the', 'at the', 'above the', 'missing data', 'recovery'])(
      '%s … of every alert',
      (kind) => {
        const untested = judged.filter((alert) => !of(alert).some(({ name }) => name.includes(kind)));
        expect(untested.map(({ alert, labels }) => `${alert} ${labels.long ?? ''}`.trim())).toEqual([]);
      },
    );

    it('that see every alert fire, and see it end', () => {
      for (const alert of judged) {
        const seen = (fires: boolean) =>
          of(alert).some(({ asks }) => asks.some((ask) => ask.fires === fires));
        const ends = of(alert).some(({ asks }) => asks.some(({ fires }, i) => !fires && asks[i - 1]?.fires));
        expect([alert.alert, alert.labels.severity, seen(true), seen(false), ends]).toEqual([
          alert.alert,
          alert.labels.severity,
          true,
          true,
          true,
        ]);
      }
    });

    it('in which missing data means that no series of its metrics is there', () => {
      const wrong = cases
        .filter(({ name }) => name.includes('missing data'))
        .filter(({ series }) => series.some((text) => /tidewatch/.test(text)));
      expect(wrong.map(({ name }) => name)).toEqual([]);
    });

    it('of the watchdog: it fires while scrapes succeed, and is silent otherwise', () => {
      const own = cases.filter(({ name }) => name.startsWith(`${alwaysFires}: `));
      expect(own.flatMap(({ asks }) => asks.map(({ fires }) => fires))).toEqual([true, false, false]);
    });
  });
});

describe('thresholds', () => {
  it('are all used, by a rule or a service level', () => {
    const used = new Set(rules.map(({ threshold }) => threshold));
    expect([...thresholds.targets.keys(), ...thresholds.limits.keys()].filter((id) => !used.has(id))).toEqual(
      [],
    );
    expect([...thresholds.slos.keys()]).toEqual(sloRules.map(({ slo }) => slo));
  });

  it('are bucket edges of the histograms that they judge, so that a quantile is exact there', () => {
    const missing = [...liveAlerts(rules, thresholds), ...liveBurns(sloRules, thresholds)].flatMap((live) => {
      const { signal } = live.rule;
      if (signal.kind !== 'quantile' && signal.kind !== 'share_above') return [];
      const { name, buckets = [] } = signal.of.metric;
      const edge =
        signal.kind === 'quantile' ? toBase(live.edge.threshold, live.threshold.unit) : signal.edge;
      return buckets.includes(edge) ? [] : [`${name} has no edge at ${edge} (${live.name})`];
    });
    expect(missing).toEqual([]);
  });

  it('have a metric behind each of the eight rows', () => {
    const rows = rules.filter(({ group }) => group === 'targets').map(({ threshold }) => threshold);
    expect(rows).toEqual([...thresholds.targets.keys()]);
    const fed = new Set(catalogue.map(({ window }) => window));
    const sampled = ['memory', 'cpu'];
    expect(
      Object.keys(latencyRows).filter(
        (row) => !fed.has(row as keyof typeof latencyRows) && !sampled.includes(row),
      ),
    ).toEqual([]);
  });

  it('that a collector feeds and that may be empty say by what it is known that the collector has data', async () => {
    const ours = new Set(catalogue.map(({ name }) => name));
    const definitions = await collectorDefinitions();
    const collectorOf = (metric: string | undefined) =>
      definitions.find(({ manifest }) => manifest.metrics.some(({ name }) => name === metric))?.manifest.name;
    const wrong = liveAlerts(rules, thresholds)
      .filter(({ rule }) => rule.mayBeEmpty !== undefined)
      .flatMap(({ name, rule: { signal, knownBy } }) =>
        selectionsOf(signal)
          .filter(({ metric }) => !ours.has(metric.name))
          .map(({ metric }) => [name, collectorOf(metric.name), collectorOf(knownBy)]),
      )
      .filter(([, fedBy, knownBy]) => fedBy !== knownBy);
    expect(wrong).toEqual([]);
  });

  it('are judged in the app on the metrics that Prometheus sees', async () => {
    const known = await knownSeries();
    const wrong = liveAlerts(rules, thresholds).flatMap(({ name, rule }) =>
      selectionsOf(rule.signal).flatMap(({ metric }) => {
        const spec = (known.get(metric.name) ?? known.get(`${metric.name}_count`))?.spec;
        return spec?.type === metric.type ? [] : [`${name}: ${metric.name} is not a ${metric.type}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

describe('runbooks', () => {
  const folder = join(root, 'alerts', 'runbooks');
  // Alerts that only the app raises: a risk limit, and the test of the way to the people.
  const inAppOnly = ['RiskLimit', 'TestAlert'];
  const wanted = [...alertNames, ...inAppOnly];
  const panels = new Map(
    dashboards.map(({ title, rows }) => [
      title,
      new Set(rows.flatMap((row) => row.panels.map((panel) => panel.title))),
    ]),
  );

  it('exist for every alert and for nothing else', () => {
    expect(readdirSync(folder).sort()).toEqual(wanted.map((name) => `${name}.md`).sort());
  });

  it.each(wanted)('of %s says what it means, what it costs, where to look and what to do', async (name) => {
    const text = existsSync(join(folder, `${name}.md`))
      ? readFileSync(join(folder, `${name}.md`), 'utf8')
      : '';
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(text.startsWith(`# ${name}\n`)).toBe(true);
    expect(sections).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation']);
    for (const [, dashboard, panel] of text.matchAll(/\*\*(Tidewatch: [^*]+?) › ([^*]+?)\*\*/g)) {
      expect([dashboard, panel, panels.get(dashboard as string)?.has(panel as string)]).toEqual([
        dashboard,
        panel,
        true,
      ]);
    }
    const known = await knownSeries();
    const queries = [...text.matchAll(/```promql\n([\s\S]*?)```/g)].map(([, query]) => query as string);
    for (const [, other] of text.matchAll(/\b[Ss]ee ([A-Z][a-z]+[A-Z]\w*)/g)) expect(wanted).toContain(other);
    if (!inAppOnly.includes(name)) expect(queries.length).toBeGreaterThan(0);
    for (const query of queries) {
      const expression = parsePromql(query.trim());
      expect([query, ...expression.errors, ...unknownNames(expression, known)]).toEqual([query]);
    }
  });
});
