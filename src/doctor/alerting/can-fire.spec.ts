import { describe, expect, it } from '@jest/globals';
import { canFire } from './can-fire.js';
import { summarise } from './diagnose-alerts.js';
import { type ExpectedAlert, expectedAlerts } from './expected-alerts.js';
import { parseRoutes } from './routes.js';
import type { AlertFacts, LoadedRule, PrometheusFacts, ServerRule } from './sources.js';

const alert: ExpectedAlert = {
  name: 'PoolExhausted',
  labels: { severity: 'critical', threshold: 'pool_utilization' },
  forSeconds: 120,
  series: ['tidewatch_pool_ratio'],
  mayBeEmpty: undefined,
};
const own: ServerRule = {
  name: 'PoolExhausted',
  severity: 'critical',
  judged_by: ['app', 'prometheus'],
  state: 'inactive',
  problems: [],
  waiting_for: [],
};
const loaded: LoadedRule = {
  name: 'PoolExhausted',
  state: 'inactive',
  health: 'ok',
  duration: 120,
  labels: { severity: 'critical' },
};
const prometheus: PrometheusFacts = {
  rules: [loaded],
  series: new Set(alert.series),
  targets: 1,
  up: 1,
};
const routes = parseRoutes('route: { receiver: chat }\nreceivers: [{ name: chat, slack_configs: [{}] }]');
const well: AlertFacts = {
  declared: new Set(alert.series),
  server: [own],
  prometheus,
  alertmanager: { routes, from: 'Alertmanager at am' },
};

const found = (facts: Partial<AlertFacts>, runbooks = true, of = alert) =>
  summarise([of], { ...well, ...facts }, () => runbooks).map(({ status, message }) => `${status} ${message}`);
const wrong = (...args: Parameters<typeof found>) => found(...args).slice(1);

describe('whether an alert can fire', () => {
  it('is said in one line when nothing is in its way', () => {
    expect(found({})).toEqual([
      'ok 1 of 1 alerts can fire (asked: catalogue, runbooks, server, Prometheus, Alertmanager at am)',
    ]);
  });

  it('is no: its metric is exported by nobody', () => {
    expect(wrong({ declared: new Set() })).toEqual([
      'error PoolExhausted: tidewatch_pool_ratio is exported by nobody',
    ]);
  });

  it('is not now: there are no recent samples', () => {
    expect(wrong({ server: [{ ...own, waiting_for: ['nothing yet'] }] })).toEqual([
      'warning PoolExhausted: nothing yet',
    ]);
    expect(wrong({ prometheus: { ...prometheus, series: new Set() } })).toEqual([
      'warning PoolExhausted: Prometheus has no sample of tidewatch_pool_ratio from the last 5 minutes',
    ]);
  });

  it('is yes where samples are there only when something is wrong', () => {
    const quiet = { ...alert, mayBeEmpty: 'nothing waits' };
    expect(wrong({ prometheus: { ...prometheus, series: new Set() } }, true, quiet)).toEqual([]);
  });

  it('is no: its rule is not loaded, or cannot be evaluated; and is of another version', () => {
    const rules = (changed: readonly LoadedRule[]) =>
      wrong({ prometheus: { ...prometheus, rules: changed } });
    expect(rules([])).toEqual([
      'error PoolExhausted: Prometheus has not loaded its rule: is alerts/rules among its rule_files?',
    ]);
    expect(rules([{ ...loaded, labels: { severity: 'warning' } }])).toHaveLength(1);
    expect(rules([{ ...loaded, health: 'err', lastError: 'many-to-many' }])).toEqual([
      'error PoolExhausted: Prometheus cannot evaluate it: many-to-many',
    ]);
    expect(rules([{ ...loaded, duration: 60 }])[0]).toContain('waits 60 s, this version 120 s');
  });

  it('is no: the server itself finds a problem', () => {
    expect(wrong({ server: [{ ...own, problems: ['x is missing'] }] })).toEqual([
      'error PoolExhausted: x is missing',
    ]);
  });

  it('is no: nobody hears of it', () => {
    const alertmanager = (text: string) => wrong({ alertmanager: { routes: parseRoutes(text), from: 'am' } });
    expect(alertmanager('route: { receiver: gone }')).toEqual([
      'error PoolExhausted: am routes it to gone, which is not defined',
    ]);
    expect(alertmanager('route: {}')).toEqual(['error PoolExhausted: no route of am takes it']);
    expect(alertmanager('route: { receiver: a }\nreceivers: [{ name: a }]')).toEqual([
      'warning PoolExhausted: am routes it to a, which sends to nobody',
    ]);
  });

  it('is no: it has no runbook', () => {
    expect(wrong({}, false)).toEqual(['error PoolExhausted: alerts/runbooks/PoolExhausted.md is missing']);
  });

  it('is not known when nobody who judges it was asked', () => {
    const steps = (facts: Partial<AlertFacts>) =>
      canFire(alert, { ...well, ...facts }, () => true).map(({ step, status }) => `${step} ${status}`);
    const nobody = ['metric ok', 'samples unknown', 'rule unknown', 'route unknown', 'runbook ok'];
    const silent = { silent: 'connect refused' };
    expect(steps({ server: null, prometheus: null, alertmanager: silent })).toEqual(nobody);
    // The server runs, but this rule is Prometheus' alone.
    const elsewhere = { server: [{ ...own, judged_by: ['prometheus'] }], alertmanager: silent };
    expect(steps({ ...elsewhere, prometheus: null })).toEqual(nobody);
    expect(steps({ ...elsewhere, prometheus: silent })).toEqual(nobody);
    expect(found({ server: null, prometheus: null })).toEqual([
      'unknown 0 of 1 alerts can fire, of 1 it is not known (asked: catalogue, runbooks, Alertmanager at am)',
    ]);
  });

  it('is one line for a source that does not answer, not one for each alert', () => {
    expect(wrong({ prometheus: { silent: 'Prometheus at p: connect refused' } })).toEqual([
      'error Prometheus at p: connect refused',
    ]);
    expect(wrong({ server: { silent: 'the server at s: asks for an API key' } })).toEqual([
      'warning not asked: the server at s: asks for an API key',
    ]);
    expect(wrong({ prometheus: { ...prometheus, up: 0 } })).toEqual([
      'error of 1 targets of its job tidewatch, Prometheus reaches none',
    ]);
  });
});

describe('the alerts that are expected', () => {
  it('are made of series of their own row, through what is recorded', () => {
    const of = (name: string) => expectedAlerts().find((expected) => expected.name === name);
    expect(of('MemoryCritical')).toMatchObject({
      forSeconds: 120,
      series: ['tidewatch_process_resident_memory_bytes'],
    });
    expect(of('QueryTimeHigh')?.series.join()).toMatch(/_bucket.*_count/);
    expect(of('Watchdog')?.series).toEqual(['up']);
    for (const { name, series } of expectedAlerts()) expect([name, series.length > 0]).toEqual([name, true]);
  });
});
