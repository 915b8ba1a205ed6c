import { describe, expect, it } from '@jest/globals';
import { gauge } from '../metric-spec.js';
import { Metrics } from '../metrics.js';
import type { AlertsService } from './alerts.service.js';
import { liveAlerts } from './live-rules.js';
import { RuleReport } from './rule-report.js';
import { rules } from './rules/index.js';
import { targetRules } from './rules/target.rules.js';
import { selectionsOf } from './signal.js';
import { loadThresholds } from './thresholds.js';

const idle = [{ labels: {}, value: null, samples: 0, idle: true }];

function reportOf(metrics: Metrics) {
  const alerts: Pick<AlertsService, 'live' | 'phases' | 'observe'> = {
    live: liveAlerts(rules, loadThresholds()),
    phases: () => new Map(),
    observe: () => idle,
  };
  const report = new RuleReport(metrics, alerts as AlertsService);
  return (name: string) => report.checks().find((check) => check.name === name);
}

describe('the report on the rules', () => {
  it('tells Redis without maxmemory from Redis of which nothing is known', () => {
    const metrics = new Metrics();
    expect(reportOf(metrics)('RedisMemoryFull')).toMatchObject({ state: 'unknown', can_fire: false });
    metrics.gauge(gauge('tidewatch_redis_memory_used_bytes', 'Used.'), {}).set(1);
    expect(reportOf(metrics)('RedisMemoryFull')).toMatchObject({ state: 'inactive', can_fire: true });
  });

  it('says unknown of a row without demand, as the targets do', () => {
    const metrics = new Metrics();
    const row = targetRules.find(({ threshold }) => threshold === 'websocket_throughput');
    for (const { metric } of row ? selectionsOf(row.signal) : []) {
      metrics.gauge(gauge(metric.name, 'Stands in.'), {}).set(0);
    }
    expect(reportOf(metrics)('WebSocketThroughputLow')).toMatchObject({ state: 'unknown', can_fire: true });
  });
});
