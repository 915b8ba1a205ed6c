import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../observability/alerting/thresholds.js';
import { parseRoutes } from './routes.js';

const routed = (text: string, labels: Record<string, string>) => parseRoutes(text).receiversOf(labels);

describe('the routes of Alertmanager', () => {
  const tree = `
route:
  receiver: default
  routes:
    - matchers: [severity = critical]
      receiver: pager
      routes: [{ matchers: ['alertname =~ "Pool.*"'], receiver: dba }]
    - matchers: ["team != 'x'", severity=~"warning|info"]
      receiver: chat
      continue: true
    - match: { severity: warning }
      routes: [{ match_re: { pool: read.* } }]
receivers: [{ name: default }, { name: pager, webhook_configs: [{ url: 'http://p' }, { url: 'http://q' }] }]
`;

  it('are walked to the deepest that matches, on to the next one where a route says so', () => {
    expect(routed(tree, { severity: 'critical', alertname: 'CpuHigh' })).toEqual(['pager']);
    expect(routed(tree, { severity: 'critical', alertname: 'PoolExhausted' })).toEqual(['dba']);
    expect(routed(tree, { severity: 'warning', pool: 'reader' })).toEqual(['chat', 'default']);
    expect(routed(tree, { severity: 'warning', team: 'x' })).toEqual(['default']);
    expect(routed(tree, { severity: 'none' })).toEqual(['default']);
  });

  it('match a whole value, not a part of it', () => {
    expect(routed(tree, { severity: 'critical', alertname: 'MyPool' })).toEqual(['pager']);
  });

  it('know who has an address and who does not exist', () => {
    const routes = parseRoutes(tree);
    expect(['default', 'pager', 'chat'].map(routes.addressesOf)).toEqual([0, 2, undefined]);
  });

  it('are refused where they cannot be read', () => {
    expect(() => parseRoutes('receivers: []')).toThrow('no Alertmanager configuration');
    expect(() => routed('route: { receiver: a, routes: [{ matchers: [nonsense] }] }', {})).toThrow(
      'nonsense',
    );
  });

  it('of the shipped example page for what is critical, and keep the heartbeat apart', () => {
    const shipped = readFileSync(join(packageRoot(), 'alerts/alertmanager.yml'), 'utf8');
    expect(routed(shipped, { alertname: 'CpuCritical', severity: 'critical' })).toEqual(['pager']);
    expect(routed(shipped, { alertname: 'CpuHigh', severity: 'warning' })).toEqual(['chat']);
    expect(routed(shipped, { alertname: 'Watchdog', severity: 'none' })).toEqual(['heartbeat']);
  });
});
