import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { nodeOptions } from '../../src/node-options.js';
import type { Answer, Request, ServerMode } from './watched-server.js';
import type { Level } from './watching-switch.js';

export const ticksPerRequest = 1_000;

/** A server in a process of its own that is given work and asked for its CPU time. */
export class ServerUnderTest {
  private sockets: readonly Socket[] = [];
  private tickMs = Date.now() - 40_000_000;

  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  /** @param core where it runs, `null`: anywhere */
  static async start(
    mode: ServerMode,
    env: Readonly<Record<string, string>>,
    core: number | null,
  ): Promise<ServerUnderTest> {
    const program = fileURLToPath(new URL('./watched-server.js', import.meta.url));
    const instrumentation = fileURLToPath(new URL('../../src/instrumentation.js', import.meta.url));
    const execArgv = [...nodeOptions(), '--import', instrumentation];
    const child = fork(program, [mode], { env, execArgv, silent: false });
    if (core !== null) pin(child.pid as number, core);
    const [{ url }] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the server ended at its start'))),
    ])) as [{ url: string }];
    return new ServerUnderTest(child, url);
  }

  /** @returns CPU of the server for so many requests of {@link ticksPerRequest} ticks, one after the other, ms */
  async ingest(requests: number): Promise<number> {
    const bodies = Array.from({ length: requests }, () => this.body());
    const before = await this.cpu();
    for (const body of bodies) await this.post(body);
    return (await this.cpu()) - before;
  }

  async watch(level: Level): Promise<void> {
    await this.ask({ ask: 'watch', level });
  }

  /** @returns CPU of the server for publishing so many messages to all subscribers, ms */
  broadcast(messages: number): Promise<number> {
    return this.ask({ ask: 'publish', messages });
  }

  /** Raw sockets that subscribe and then only drain: the clients' own parsing stays out of the picture. */
  async subscribe(count: number): Promise<void> {
    this.sockets = await Promise.all(Array.from({ length: count }, () => subscriber(new URL(this.url))));
  }

  /** CPU since the start, ms. */
  cpu(): Promise<number> {
    return this.ask({ ask: 'cpu' });
  }

  async scrape(): Promise<void> {
    await (await fetch(`${this.url}/metrics`)).text();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }

  private body(): string {
    const rows: string[] = [];
    for (let i = 0; i < ticksPerRequest; i++) {
      const price = 100 + (i % 100) / 10;
      rows.push(`{"symbol":"S${i % 50}","ts":${this.tickMs++},"price":${price},"size":${1 + (i % 9)}}`);
    }
    return rows.join('\n');
  }

  private async post(body: string): Promise<void> {
    const response = await fetch(`${this.url}/api/v1/ingest/ticks`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
    const answer = await response.text();
    if (!response.ok || !answer.includes(`"accepted":${ticksPerRequest}`)) {
      throw new Error(`ingest answered ${response.status}: ${answer.slice(0, 300)}`);
    }
  }

  private async ask(request: Request): Promise<number> {
    this.child.send(request);
    const [{ cpuMs }] = (await once(this.child, 'message')) as [Answer];
    return cpuMs;
  }
}

/** @returns whether it could be done */
export const pin = (pid: number, core: number): boolean =>
  spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]).status === 0;

async function subscriber({ hostname, port }: URL): Promise<Socket> {
  const text = Buffer.from('{"type":"subscribe","topic":"custom.bench"}');
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `GET /ws/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  socket.write(frame);
  await once(socket, 'data');
  socket.on('error', () => {});
  return socket.resume();
}
