import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectedAlerts } from '../../../src/doctor/alerting/expected-alerts.js';
import { postgres, redisUrl, ServerProcess } from '../../harness/index.js';

const root = resolve(import.meta.dirname, '../../..');
const settings: Record<string, string> = { METRICS_TOKEN: 'a-token-for-the-scrapes' };
let server: ServerProcess;
let stack: ChildProcess;
let said = '';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

const json = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;

/** Asks again until it is so; a service that is not there yet answers nothing. */
async function until(what: string, check: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) {
    if (await check().catch(() => false)) return;
  }
  throw new Error(`${what}: not within ${limitMs} ms\n${said}`);
}

beforeAll(async () => {
  settings.DATA_DIR = mkdtempSync(join(tmpdir(), 'tidewatch-stack-'));
  settings.DATABASE_URL = await postgres().freshDatabase();
  settings.REDIS_URL = await redisUrl();
  const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
  settings.PROMETHEUS_URL = `http://127.0.0.1:${prometheusPort}`;
  settings.ALERTMANAGER_URL = `http://127.0.0.1:${alertmanagerPort}`;
  server = new ServerProcess({ settings });
  const target = new URL(await server.ready()).host;
  const ports = ['--prometheus-port', prometheusPort, '--alertmanager-port', alertmanagerPort].map(String);
  stack = spawn(
    process.execPath,
    [join(root, 'scripts/stack.mjs'), '--target', target, ...ports, '--interval', '1s'],
    { env: { ...process.env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [stack.stdout, stack.stderr]) stream?.on('data', (chunk) => (said += chunk));
});
afterAll(async () => {
  if (stack.exitCode === null) stack.kill('SIGINT');
  await server.stop();
  rmSync(settings.DATA_DIR as string, { recursive: true, force: true });
});

async function doctor(...args: string[]) {
  const { PATH = '', HOME = '/' } = process.env;
  const child = spawn(process.execPath, [join(root, 'bin/tidewatch.mjs'), 'doctor', '--json', ...args], {
    env: { PATH, HOME, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number];
  const { findings } = JSON.parse(text) as { findings: { check: string; status: string; message: string }[] };
  return { code, findings };
}

describe('npm run stack', () => {
  it('scrapes the server, token included, and loads every rule', async () => {
    await until('a target that is up', async () => {
      const { data } = await json<{ data: { activeTargets: { health: string }[] } }>(
        `${settings.PROMETHEUS_URL}/api/v1/targets`,
      );
      return data.activeTargets.length === 1 && data.activeTargets.every(({ health }) => health === 'up');
    });
    const { data } = await json<{ data: { groups: { rules: unknown[] }[] } }>(
      `${settings.PROMETHEUS_URL}/api/v1/rules?type=alert`,
    );
    expect(data.groups.flatMap(({ rules }) => rules)).toHaveLength(expectedAlerts().length);
  });

  it('brings to Alertmanager what Prometheus finds and what the server itself says', async () => {
    const answer = await fetch(`${await server.ready()}/api/v1/alerts/test`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(await answer.json()).toMatchObject({
      notifiers: ['alertmanager'],
      notifications: [{ kind: 'notified' }],
    });
    const active = async () =>
      (await json<{ labels: Record<string, string> }[]>(`${settings.ALERTMANAGER_URL}/api/v2/alerts`)).map(
        ({ labels }) => `${labels.alertname} ${labels.source ?? 'prometheus'}`,
      );
    await until('both alerts', async () => {
      const names = await active();
      return names.includes('Watchdog prometheus') && names.includes('TestAlert tidewatch');
    });
  });

  it('keeps quiet what the app says too, and what follows from something worse', async () => {
    const post = (labels: Record<string, string>[]) =>
      fetch(`${settings.ALERTMANAGER_URL}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(labels.map((each) => ({ labels: each }))),
      });
    const pool = { threshold: 'pool_utilization', pool: 'reader' };
    const full = { ...pool, alertname: 'PoolExhausted', severity: 'critical' };
    await post([
      { ...full, instance: '127.0.0.1:8001', job: 'tidewatch' },
      { ...full, instance: 'host:8001', source: 'tidewatch' },
      { ...full, instance: 'host:8001', source: 'tidewatch', pool: 'writer' },
      { ...pool, alertname: 'PoolUtilizationHigh', severity: 'warning', instance: '127.0.0.1:8001' },
    ]);
    const quiet = async () =>
      (
        await json<{ labels: Record<string, string>; status: { state: string } }[]>(
          `${settings.ALERTMANAGER_URL}/api/v2/alerts?filter=threshold=pool_utilization`,
        )
      ).map(({ labels, status }) =>
        [labels.alertname, labels.source ?? 'prometheus', labels.pool, status.state].join(' '),
      );
    await until(
      'two that are quiet',
      async () => (await quiet()).filter((text) => text.endsWith('suppressed')).length === 2,
    );
    expect((await quiet()).sort()).toEqual([
      'PoolExhausted prometheus reader active',
      'PoolExhausted tidewatch reader suppressed',
      'PoolExhausted tidewatch writer active',
      'PoolUtilizationHigh prometheus reader suppressed',
    ]);
  });

  it('satisfies the doctor, who asks all of them whether the alerts can fire', async () => {
    const { code, findings } = await doctor();
    expect(findings.filter(({ status }) => status === 'error')).toEqual([]);
    expect(code).toBe(0);
    const asked = findings.find(
      ({ check, message }) => check === 'alerts' && message.includes('(asked:'),
    )?.message;
    expect(asked).toContain('(asked: catalogue, runbooks, server, Prometheus, Alertmanager at ');
    // The example's receivers have no address, and that is said.
    expect(
      findings.some(({ message }) => message.includes('routes it to pager, which sends to nobody')),
    ).toBe(true);
  });

  it('lets the doctor answer for one alert, step by step', async () => {
    const { code, findings } = await doctor('--alert', 'MemoryCritical');
    expect(findings.map(({ check, status }) => `${check} ${status}`)).toEqual([
      'metric ok',
      'samples ok',
      'rule ok',
      'rule ok',
      'route warning',
      'runbook ok',
    ]);
    expect(code).toBe(1);
    const unknown = await doctor('--alert', 'NoSuchAlert');
    expect(unknown).toEqual({
      code: 1,
      findings: [{ check: 'alert', status: 'error', message: 'no alert is named NoSuchAlert' }],
    });
  });

  it('stops everything on Ctrl-C', async () => {
    stack.kill('SIGINT');
    const [code] = (await once(stack, 'close')) as [number];
    expect(code).toBe(0);
    for (const url of [settings.PROMETHEUS_URL, settings.ALERTMANAGER_URL])
      await expect(fetch(`${url}/-/ready`)).rejects.toThrow();
    const { code: sick, findings } = await doctor();
    expect(sick).toBe(1);
    expect(findings.filter(({ status }) => status === 'error').map(({ check }) => check)).toEqual([
      'alerts',
      'alerts',
    ]);
  });
});
