import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One alert in a notification that Alertmanager sent. */
export interface Notification {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface PrometheusStack {
  readonly url: string;
  readonly alertmanagerUrl: string;
  /** What Alertmanager's webhook has received so far. */
  readonly notifications: readonly Notification[];
  /** Instant query. @throws Error with Prometheus' own words */
  query(expr: string): Promise<readonly QueriedSeries[]>;
  /** Alerts as Prometheus holds them now. */
  alerts(): Promise<readonly { labels: Record<string, string>; state: string }[]>;
  /** Rules that Prometheus could not evaluate, with the reason. */
  brokenRules(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/**
 * A real Prometheus and a real Alertmanager on free ports of the loopback interface, their data in a folder that goes
 * with them, scraping every second.
 * @param target host:port that is scraped as the job `tidewatch`
 * @param rules rule files by name
 */
export async function startPrometheus(
  target: string,
  rules: ReadonlyMap<string, string>,
): Promise<PrometheusStack> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-prometheus-'));
  const [port, alertmanagerPort] = [await freePort(), await freePort()];
  const notifications: Notification[] = [];
  const receiver = await webhook((body) => notifications.push(...body.alerts));
  mkdirSync(join(folder, 'rules'));
  for (const [name, text] of rules) writeFileSync(join(folder, 'rules', name), text);
  writeFileSync(join(folder, 'prometheus.yml'), prometheusConfig(folder, target, alertmanagerPort));
  writeFileSync(join(folder, 'alertmanager.yml'), alertmanagerConfig(receiver.url));
  const children = [
    run(
      ['prometheus-alertmanager', 'alertmanager'],
      [
        `--config.file=${join(folder, 'alertmanager.yml')}`,
        `--storage.path=${join(folder, 'alertmanager')}`,
        `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
        '--cluster.listen-address=',
      ],
    ),
    run(
      ['prometheus'],
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
    ),
  ];
  const url = `http://127.0.0.1:${port}`;
  const alertmanagerUrl = `http://127.0.0.1:${alertmanagerPort}`;
  const stop = async () => {
    await Promise.all(children.map(end));
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([ready(url, children[1]), ready(alertmanagerUrl, children[0])]);
  } catch (error) {
    await stop();
    throw error;
  }
  const api = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
      status: string;
      error: string;
      data: T;
    };
    if (answer.status !== 'success') throw new Error(answer.error);
    return answer.data;
  };
  return {
    url,
    alertmanagerUrl,
    notifications,
    query: async (expr) =>
      (await api<{ result: QueriedSeries[] }>(`query?query=${encodeURIComponent(expr)}`)).result,
    alerts: async () =>
      (await api<{ alerts: { labels: Record<string, string>; state: string }[] }>('alerts')).alerts,
    brokenRules: async () => {
      const { groups } = await api<{ groups: { rules: { name: string; lastError?: string }[] }[] }>('rules');
      return groups.flatMap((group) =>
        group.rules.filter((rule) => rule.lastError).map((rule) => `${rule.name}: ${rule.lastError}`),
      );
    },
    stop,
  };
}

const prometheusConfig = (folder: string, target: string, alertmanagerPort: number): string =>
  JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(folder, 'rules', '*.yml')],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
    scrape_configs: [{ job_name: 'tidewatch', static_configs: [{ targets: [target] }] }],
  });

const alertmanagerConfig = (url: string): string =>
  JSON.stringify({
    route: {
      receiver: 'test',
      group_by: ['...'],
      group_wait: '0s',
      group_interval: '1s',
      repeat_interval: '1h',
    },
    receivers: [{ name: 'test', webhook_configs: [{ url, send_resolved: true }] }],
  });

async function webhook(receive: (body: { alerts: Notification[] }) => void) {
  const server = createHttpServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      receive(JSON.parse(text));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Child {
  readonly process: ChildProcess;
  output: string;
  failure: string | null;
}

/** Starts the first of the programs that exists. */
function run(programs: readonly string[], args: readonly string[]): Child {
  const [program, ...others] = programs as [string, ...string[]];
  const child: Child = {
    process: spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] }),
    output: '',
    failure: null,
  };
  child.process.stderr?.on('data', (chunk) => {
    child.output = (child.output + chunk).slice(-4_000);
  });
  child.process.on('error', (error) => {
    if (others.length === 0) child.failure = error.message;
    else Object.assign(child, run(others, args));
  });
  return child;
}

async function ready(url: string, child: Child | undefined): Promise<void> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    if (child?.failure) throw new Error(child.failure);
    if (child && child.process.exitCode !== null) throw new Error(child.output);
    try {
      if ((await fetch(`${url}/-/ready`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} is not ready: ${child?.output}`);
}

async function end({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
