import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { Config } from '../../src/config/config.js';
import { rules } from '../../src/observability/alerting/rules/index.js';
import { packageRoot } from '../../src/observability/alerting/thresholds.js';

const root = packageRoot();
const read = (path: string) => parse(readFileSync(join(root, path), 'utf8'), { merge: true });

interface Service {
  readonly image: string;
  readonly network_mode: string;
  readonly command?: string | readonly string[];
  readonly volumes: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: string; readonly interval: string; readonly retries: number };
}

describe('the stack in containers', () => {
  const { services, volumes } = read('compose.yaml') as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };
  const mounts = Object.values(services).flatMap(({ volumes: list }) =>
    list.map((text) => text.split(':') as [from: string, to: string, mode?: string]),
  );
  const sourceOf = (path: string) => {
    const mount = mounts.find(([, to]) => path === to || path.startsWith(`${to}/`));
    return mount ? path.replace(mount[1], mount[0]).replace(/\/\*\.yml$/, '') : path;
  };
  const exists = (path: string) => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

  it('mounts what is there, read-only, and declares every volume', () => {
    for (const [from, , mode] of mounts) {
      if (from.startsWith('./')) expect([from, exists(from), mode]).toEqual([from, true, 'ro']);
      else expect(Object.keys(volumes)).toContain(from);
    }
  });

  it('gives each program the files that its command and its configuration name', () => {
    const named = [
      ...Object.values(services).flatMap(({ command = [] }) =>
        [command].flat().flatMap((text) => text.match(/\/etc\/\S+/g) ?? []),
      ),
      ...(read('alerts/prometheus.yml').rule_files as string[]),
      read('dashboards/provisioning/dashboards/tidewatch.yml').providers[0].options.path as string,
    ];
    expect(named.length).toBeGreaterThanOrEqual(5);
    expect(named.filter((path) => !exists(sourceOf(path)))).toEqual([]);
  });

  it('is reachable from this machine only, at the addresses that the parts know of each other', () => {
    expect(Object.values(services).map(({ network_mode }) => network_mode)).toEqual(
      Object.keys(services).map(() => 'host'),
    );
    const listens = (name: string) =>
      [services[name]?.command ?? []].flat().find((text) => text.startsWith('--web.listen-address='));
    const prometheus = read('alerts/prometheus.yml');
    const [alertmanager] = prometheus.alerting.alertmanagers[0].static_configs[0].targets;
    expect(listens('alertmanager')).toBe(`--web.listen-address=${alertmanager}`);
    const { url } = read('dashboards/provisioning/datasources/tidewatch.yml').datasources[0];
    expect(listens('prometheus')).toBe(`--web.listen-address=${new URL(url).host}`);
    expect(String(alertmanager)).toMatch(/^127\.0\.0\.1:/);
    expect(readFileSync(join(root, 'redis.conf'), 'utf8')).toMatch(/^bind 127\.0\.0\.1/m);
  });

  it('names one release of an image for each program', () => {
    for (const [name, { image }] of Object.entries(services)) {
      expect([name, image]).toEqual([
        name,
        expect.stringMatching(/^[a-z]+(\/[a-z]+)?:v?\d+\.\d+\.\d+[\w.-]*$/),
      ]);
    }
  });

  it('asks each program whether it is well, where it listens', () => {
    const ports = {
      timescaledb: '',
      redis: '',
      prometheus: ':9090/',
      alertmanager: ':9093/',
      grafana: ':3000/',
    };
    expect(Object.keys(services)).toEqual(Object.keys(ports));
    for (const [name, port] of Object.entries(ports)) {
      const { test, interval, retries } = services[name]?.healthcheck ?? {};
      expect([name, test, interval, retries]).toEqual([
        name,
        expect.stringContaining(`127.0.0.1${port}`),
        expect.any(String),
        expect.any(Number),
      ]);
    }
  });

  it('says how to start the server beside it, in settings that exist', () => {
    const text = readFileSync(join(root, 'compose.yaml'), 'utf8');
    const line = /^#\s+(.*) npm start$/m.exec(text)?.[1] ?? '';
    const given = Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/) as [string, string]));
    const config = Config.from(given);
    expect(Object.keys(given)).toEqual(['DATABASE_URL', 'REDIS_URL', 'DEMO']);
    const { username, password, pathname } = new URL(config.get('DATABASE_URL') ?? '');
    expect(services.timescaledb?.environment).toEqual({
      POSTGRES_USER: username,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: pathname.slice(1),
    });
  });
});

describe('the example for Alertmanager', () => {
  interface Inhibition {
    readonly source_matchers: readonly string[];
    readonly equal: readonly string[];
  }

  it('lets an alert of Prometheus keep the same one of the app quiet, and no other', () => {
    const rulesThere = read('alerts/alertmanager.yml').inhibit_rules as Inhibition[];
    // Single quotes would be a part of the value: the rule would match nothing.
    const ours = rulesThere.find(({ source_matchers: [matcher] }) => matcher === 'source = ""');
    const by = rules.flatMap((rule) => rule.by ?? []);
    expect([...(ours?.equal ?? [])].sort()).toEqual(
      [...new Set(['alertname', 'severity', 'long', ...by])].sort(),
    );
  });
});
