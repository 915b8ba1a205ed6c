// The load client for machines without the C one: same options, same answer, heavier, hence good for comparing servers
// measured by it, not for absolute figures. `node load-client.js --mode fanout --port 8001 --path /ws --conns 100 …`
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSeconds, residentKb } from './machine.js';
import { PlainClient } from './plain-client.js';

const { values } = parseArgs({
  strict: false,
  options: {
    mode: { type: 'string', default: 'fanout' },
    port: { type: 'string', default: '0' },
    path: { type: 'string', default: '/' },
    conns: { type: 'string', default: '100' },
    duration: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '0.8' },
    settle: { type: 'string', default: '300' },
    inflight: { type: 'string', default: '1' },
    rate: { type: 'string', default: '0' },
    slow: { type: 'string', default: '0' },
    pid: { type: 'string', default: '' },
    'ctl-port': { type: 'string' },
    start: { type: 'string' },
    stop: { type: 'string' },
    spin: { type: 'boolean' },
    sio: { type: 'boolean' },
  },
});
const text = (name: keyof typeof values): string => String(values[name] ?? '');
const number = (name: keyof typeof values): number => Number(values[name]);
const now = (): number => performance.timeOrigin + performance.now();

let measuring = false;
let messages = 0;
let missing = 0;
let closed = 0;
const latencies: number[] = [];

/** One connection: notes the time in `"ts":` or `"timestamp":` and the order in `"seq":`. */
class Client {
  private readonly client: PlainClient;
  private lastSeq = -1;

  private constructor(onOpen: () => void) {
    this.client = new PlainClient(number('port'), text('path'), {
      opened: onOpen,
      text: (bytes, from, to) => this.message(bytes.toString('latin1', from, to)),
      closed: (wasOpen) => {
        if (wasOpen) closed++;
        else throw new Error('the server refused a connection');
      },
    });
  }

  static open(): Promise<Client> {
    return new Promise((resolve) => {
      const client: Client = new Client(() => resolve(client));
    });
  }

  ping(): void {
    const stamp = `{"type":"ping","timestamp":${now().toFixed(3)}}`;
    this.client.send(values.sio ? `42["ping",${stamp}]` : stamp);
  }

  freeze(): void {
    this.client.socket.pause();
  }

  private message(message: string): void {
    // Engine.IO's open and ping.
    if (values.sio && message[0] === '0') this.client.send('40');
    if (values.sio && message[0] === '2') this.client.send('3');
    const stamp = /"t(?:s|imestamp)":(\d+\.?\d*)/.exec(message)?.[1];
    if (stamp === undefined) return;
    const seq = /"seq":(\d+)/.exec(message)?.[1];
    if (seq !== undefined) {
      if (this.lastSeq >= 0 && Number(seq) > this.lastSeq + 1) missing += Number(seq) - this.lastSeq - 1;
      this.lastSeq = Number(seq);
    }
    if (measuring) {
      messages++;
      if (latencies.length < 2_000_000) latencies.push(Math.max(0, now() - Number(stamp)));
    }
    if (text('mode') === 'echo' && number('rate') === 0) this.ping();
  }
}

const pids = text('pid').split(',').filter(Boolean).map(Number);
const control = values['ctl-port'] === undefined ? text('port') : text('ctl-port');
const ask = (uri: string): Promise<string> =>
  fetch(`http://127.0.0.1:${control}${uri}`).then((r) => r.text());

const residentBefore = residentKb(pids);
const connectStarted = now();
const clients: Client[] = [];
for (let i = 0; i < number('conns'); i += 128) {
  const batch = Math.min(128, number('conns') - i);
  clients.push(...(await Promise.all(Array.from({ length: batch }, () => Client.open()))));
}
const connectSeconds = (now() - connectStarted) / 1_000;
await sleep(number('settle'));
if (values.start !== undefined) await ask(text('start'));
const timers: NodeJS.Timeout[] = [];
if (text('mode') === 'echo') {
  const everyMs = number('rate') > 0 ? 1_000 / number('rate') : 0;
  clients.forEach((client, i) => {
    if (everyMs === 0) for (let n = 0; n < number('inflight'); n++) client.ping();
    else {
      const start = setTimeout(
        () => timers.push(setInterval(() => client.ping(), everyMs)),
        (i * everyMs) / clients.length,
      );
      timers.push(start);
    }
  });
}
await sleep(number('warmup') * 1_000);
for (const client of clients.slice(0, number('slow'))) client.freeze();
measuring = true;
const [cpuBefore, started] = [cpuSeconds(pids), now()];
await sleep(number('duration') * 1_000);
const [cpu, seconds] = [cpuSeconds(pids) - cpuBefore, (now() - started) / 1_000];
measuring = false;
const residentAfter = residentKb(pids);
const stop: unknown = values.stop === undefined ? {} : JSON.parse(await ask(text('stop')));
for (const timer of timers) clearTimeout(timer);
latencies.sort((a, b) => a - b);
const quantile = (q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0;
console.log(
  JSON.stringify({
    opened: clients.length,
    closed,
    msgs_per_s: Math.round(messages / seconds),
    exec_us_per_msg: (cpu * 1e6) / Math.max(1, messages),
    total_missing: missing,
    rss_kb_per_conn: (residentAfter - residentBefore) / clients.length,
    connect_s: connectSeconds,
    client_idle: 0,
    lat_ms: { p50: quantile(0.5), p99: quantile(0.99), max: latencies.at(-1) ?? 0 },
    error: '',
    stop,
  }),
);
process.exit(0);
