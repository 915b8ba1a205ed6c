// The load client for machines without the C one: same options, same answer, heavier, hence good for comparing servers
// measured by it, not for absolute figures. `node load-client.js --mode fanout --port 8001 --path /ws --conns 100 …`
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSeconds, residentKb } from './machine.js';

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

/** One connection: reads frames, notes the time in `"ts":` or `"timestamp":` and the order in `"seq":`. */
class Client {
  isOpen = false;
  private rest: Buffer = Buffer.alloc(0);
  private lastSeq = -1;
  private constructor(private readonly socket: Socket) {}

  static open(): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: number('port'), host: '127.0.0.1', noDelay: true });
      const client = new Client(socket);
      socket.once('connect', () =>
        socket.write(
          `GET ${text('path')} HTTP/1.1\r\nHost: 127.0.0.1:${text('port')}\r\nUpgrade: websocket\r\n` +
            'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
        ),
      );
      socket.on('data', (chunk: Buffer) => client.take(chunk, () => resolve(client)));
      socket.once('error', reject);
      socket.once('close', () => {
        if (client.isOpen) closed++;
        client.isOpen = false;
      });
    });
  }

  ping(): void {
    const stamp = `{"type":"ping","timestamp":${now().toFixed(3)}}`;
    this.send(values.sio ? `42["ping",${stamp}]` : stamp);
  }

  freeze(): void {
    this.socket.pause();
  }

  private send(message: string): void {
    const size = message.length;
    const frame = Buffer.alloc(6 + size);
    frame[0] = 0x81;
    frame[1] = 0x80 | size;
    frame.write(message, 6, 'latin1');
    this.socket.write(frame);
  }

  private take(chunk: Buffer, onOpen: () => void): void {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    if (!this.isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.rest = bytes;
        return;
      }
      bytes = bytes.subarray(end + 4);
      this.isOpen = true;
      onOpen();
    }
    let at = 0;
    while (bytes.length - at >= 2) {
      let size = bytes[at + 1]! & 0x7f;
      let header = 2;
      if (size === 126) {
        if (bytes.length - at < 4) break;
        size = bytes.readUInt16BE(at + 2);
        header = 4;
      } else if (size === 127) {
        if (bytes.length - at < 10) break;
        size = bytes.readUInt32BE(at + 6);
        header = 10;
      }
      if (bytes.length - at < header + size) break;
      if ((bytes[at]! & 0x0f) === 1) this.message(bytes.toString('latin1', at + header, at + header + size));
      at += header + size;
    }
    this.rest = Buffer.from(bytes.subarray(at));
  }

  private message(message: string): void {
    // Engine.IO's open and ping.
    if (values.sio && message[0] === '0') this.send('40');
    if (values.sio && message[0] === '2') this.send('3');
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
