import { stringify } from 'yaml';
import { formatDuration } from '../duration.js';
import { type LiveAlert, liveAlerts } from '../live-rules.js';
import type { SignalRule } from '../rules/rule.js';
import { burnEdge, type SloRule, sloOf } from '../rules/slo.rules.js';
import { type BurnWindow, type Edge, type Target, type Thresholds, toBase } from '../thresholds.js';
import type { RuleSet } from './prometheus-rules.js';
import { type Level, type SeriesInput, seriesFor } from './synthetic-series.js';

/** Distance of the synthetic samples and of the evaluations. */
const stepMs = 15_000;
const process = { job: 'tidewatch', instance: 'host:8001' };

interface TestFile {
  readonly rules: string;
  readonly everyMs: number;
  readonly tests: unknown[];
}

interface Expectation {
  readonly atMs: number;
  readonly fires: boolean;
}
interface TestCase {
  readonly name: string;
  /** What the signal shows over time; `null`: no series at all. */
  readonly levels: readonly Level[] | null;
  readonly expect: readonly Expectation[];
}

/**
 * promtool unit tests for every generated alert: below, at and above its threshold, without data, after recovery, and,
 * where it has a clear threshold of its own, in between. One file per rule file.
 */
export function renderRuleTests(set: RuleSet): ReadonlyMap<string, string> {
  const files = new Map<string, TestFile>();
  const add = (name: string, rules: string, everyMs: number, tests: readonly unknown[]) => {
    const file = files.get(name) ?? { rules, everyMs, tests: [] };
    file.tests.push(...tests);
    files.set(name, file);
  };
  for (const live of liveAlerts(set.rules, set.thresholds)) {
    if (!live.rule.testedByHand) add(live.rule.group, live.rule.group, stepMs, testsOf(live));
  }
  for (const rule of set.slos) {
    for (const window of set.thresholds.burn.windows) {
      // Five steps in the short window: finer ones make promtool take minutes for windows of days.
      const everyMs = window.shortMs / 5;
      const name = `slo-${formatDuration(window.longMs)}`;
      add(name, 'slo', everyMs, burnTests(rule, set.thresholds, window, everyMs));
    }
  }
  const out = new Map<string, string>();
  for (const [name, { rules, everyMs, tests }] of files) {
    const content = {
      rule_files: [`../rules/${rules}.yml`],
      evaluation_interval: formatDuration(everyMs),
      tests,
    };
    out.set(
      `${name}.test.yml`,
      `# Generated from alerts/thresholds.yml and src/observability/alerting/rules by \`npm run generate\`; do not edit.\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    );
  }
  return out;
}

function testsOf(live: LiveAlert): unknown[] {
  const { edge, threshold, rule } = live;
  const windowMs = Math.max(threshold.windowMs, stepMs);
  // Long enough for the window to hold nothing but the level, and for the dwell after that.
  const settledMs = roundUp(windowMs + edge.forMs + 2 * stepMs);
  const overMs = roundUp(settledMs + windowMs + threshold.keepFiringMs + 2 * stepMs);
  const base = (value: number) => toBase(value, threshold.unit);
  const bad = base(badValue(edge));
  const good = base(goodValue(edge));
  const cases: TestCase[] = [
    {
      name: 'below the threshold',
      levels: [{ value: good, forMs: overMs }],
      expect: [{ atMs: settledMs, fires: false }],
    },
    {
      name: 'at the threshold',
      levels: [{ value: base(edge.threshold), forMs: overMs }],
      expect: [{ atMs: settledMs, fires: edge.inclusive }],
    },
    {
      name: 'above the threshold',
      levels: [{ value: bad, forMs: overMs }],
      expect: [
        ...(edge.forMs >= 2 * stepMs ? [{ atMs: halfway(edge.forMs), fires: false }] : []),
        { atMs: settledMs, fires: true },
      ],
    },
    { name: 'missing data', levels: null, expect: [{ atMs: settledMs, fires: false }] },
    {
      name: 'recovery',
      levels: [
        { value: bad, forMs: settledMs },
        { value: good, forMs: overMs },
      ],
      expect: [
        { atMs: settledMs, fires: true },
        { atMs: settledMs + overMs, fires: false },
      ],
    },
  ];
  if (edge.clearThreshold !== edge.threshold) {
    const between = base((edge.threshold + edge.clearThreshold) / 2);
    cases.push({
      name: 'not yet back at the clear threshold',
      levels: [
        { value: bad, forMs: settledMs },
        { value: between, forMs: overMs },
      ],
      expect: [{ atMs: settledMs + overMs, fires: true }],
    });
  }
  const labels = byLabels(rule);
  const fired = {
    alertname: live.name,
    alertstate: 'firing',
    severity: live.severity,
    threshold: threshold.id,
    ...process,
    ...labels,
  };
  const target: Record<string, string> = 'statistic' in threshold ? { target: threshold.id } : {};
  return cases.map((test) =>
    testOf(live.name, test, inputOf(rule, threshold as Target, test.levels, labels), { ...fired, ...target }),
  );
}

/** Clearly beyond the threshold, clearly inside the clear threshold. */
function badValue({ direction, threshold }: Edge): number {
  if (direction === 'below') return threshold * 0.5;
  if (threshold === 0) return 1;
  // Whole numbers where it counts things.
  return threshold >= 1 ? Math.ceil(threshold * 1.25) : threshold * 1.25;
}
const goodValue = (edge: Edge): number =>
  edge.direction === 'below' ? edge.clearThreshold * 1.25 : edge.clearThreshold * 0.8;

function inputOf(
  rule: SignalRule,
  threshold: Target,
  levels: readonly Level[] | null,
  labels: Readonly<Record<string, string>>,
): readonly SeriesInput[] {
  if (levels === null) return [];
  const all = { ...process, ...labels };
  const shape = { stepMs, windowMs: threshold.windowMs, labels: all };
  const series = [...seriesFor(rule.signal, levels, shape)];
  const whole = levels.reduce((sum, level) => sum + level.forMs, 0);
  for (const guard of rule.guards ?? []) {
    const value = guard.op.startsWith('>') ? (guard.value === 0 ? 1 : guard.value * 2) : guard.value * 0.5;
    series.push(...seriesFor(guard.signal, [{ value, forMs: whole }], shape));
  }
  if (threshold.demand) series.push(...demandFor(rule, threshold, levels, shape));
  return series;
}

/** Twice as much is asked for as is delivered, and enough to judge. */
function demandFor(
  rule: SignalRule,
  threshold: Target,
  levels: readonly Level[],
  shape: Parameters<typeof seriesFor>[2],
): readonly SeriesInput[] {
  const demand = rule.demand;
  if (!demand) return [];
  const asked = levels.map(({ value, forMs }) => ({
    value: Math.max(2 * value, 2 * (threshold.demand?.atLeast ?? 0)),
    forMs,
  }));
  return seriesFor(demand, asked, shape);
}

function burnTests(
  rule: SloRule,
  thresholds: Thresholds,
  window: BurnWindow,
  everyMs: number,
): readonly unknown[] {
  const slo = sloOf(rule, thresholds);
  const signal = rule.badShare(slo);
  const edge = burnEdge(slo, window.factor);
  const untilMs = roundUp(window.longMs + window.forMs + 2 * everyMs, everyMs);
  const recoverMs = window.shortMs + 2 * everyMs;
  const of = (levels: readonly Level[], eventsPerSecond?: number) =>
    seriesFor(signal, levels, { stepMs: everyMs, windowMs: window.longMs, labels: process, eventsPerSecond });
  const fired = firedBurn(rule, slo.id, window);
  const test = (name: string, input: readonly SeriesInput[], expect: readonly Expectation[]) =>
    testOf(`${rule.alert} ${formatDuration(window.longMs)}`, { name, levels: null, expect }, input, fired);
  const few = (thresholds.burn.minEvents * 0.5) / (window.longMs / 1000);
  const bad = Math.min(1, edge * 1.5);
  const never = [{ atMs: untilMs, fires: false }];
  return [
    test('below the burn rate', of([{ value: edge * 0.5, forMs: untilMs }]), never),
    // A share that is one minus another is not exact in its last digits.
    test('at the burn rate, to nine digits', of([{ value: edge * (1 - 1e-9), forMs: untilMs }]), never),
    test('above the burn rate', of([{ value: bad, forMs: untilMs }]), [{ atMs: untilMs, fires: true }]),
    test('above it in next to no traffic', of([{ value: bad, forMs: untilMs }], few), never),
    test('missing data', [], never),
    test(
      'recovery: the short window is good again',
      of([
        { value: bad, forMs: untilMs },
        { value: 0, forMs: recoverMs },
      ]),
      [
        { atMs: untilMs, fires: true },
        { atMs: untilMs + recoverMs, fires: false },
      ],
    ),
  ];
}

/** What coarse times are rounded to. */
const slowStepMs = 60_000;

const firedBurn = (rule: SloRule, slo: string, { longMs, shortMs, severity }: BurnWindow) => ({
  alertname: rule.alert,
  alertstate: 'firing',
  severity,
  threshold: slo,
  slo,
  long: formatDuration(longMs),
  short: formatDuration(shortMs),
  ...process,
});

function testOf(
  alert: string,
  test: TestCase,
  input: readonly SeriesInput[],
  fired: Readonly<Record<string, string>>,
): unknown {
  const { alertname, alertstate, severity, threshold, long } = fired;
  const which = Object.entries({ alertname, alertstate, severity, threshold, ...(long ? { long } : {}) })
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
  const labels = Object.entries(fired)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
  return {
    name: `${alert}: ${test.name}`,
    interval: formatDuration(input[0]?.stepMs ?? stepMs),
    input_series: input.map(({ series, values }) => ({ series, values })),
    promql_expr_test: test.expect.map(({ atMs, fires }) => ({
      expr: `ALERTS{${which}}`,
      eval_time: formatDuration(atMs),
      exp_samples: fires ? [{ labels: `ALERTS{${labels}}`, value: 1 }] : [],
    })),
  };
}

/** One value for each label by which a rule is judged apart. */
const byLabels = (rule: SignalRule): Record<string, string> =>
  Object.fromEntries((rule.by ?? []).map((name) => [name, `some-${name}`]));

const halfway = (ms: number): number => Math.floor(ms / 2 / stepMs) * stepMs;
const roundUp = (ms: number, to = slowStepMs): number => Math.ceil(ms / to) * to;
