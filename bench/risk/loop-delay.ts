import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { nodeOptions } from '../../src/node-options.js';

interface Delay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Event-loop delay and WebSocket ping of a server, idle and while it runs Monte Carlo without a pause. */
export async function loopDelay(seconds: number): Promise<void> {
  const server = fork(fileURLToPath(new URL('./risk-server.js', import.meta.url)), {
    execArgv: [...nodeOptions()],
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/system/health`);
    await once(socket, 'open');
    console.log(
      '\nWebSocket while Monte Carlo (100,000 × 50, one after the other) runs in the same server, ms',
    );
    await measure('idle', server, socket, seconds, async () => 0);
    await measure('Monte Carlo', server, socket, seconds, (until) => monteCarlo(port, until));
    socket.close();
  } finally {
    server.disconnect();
    await once(server, 'exit');
  }
}

async function measure(
  what: string,
  server: ChildProcess,
  socket: WebSocket,
  seconds: number,
  load: (until: number) => Promise<number>,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  server.send('reset');
  const [round, calculations] = await Promise.all([pings(socket, until), load(until)]);
  server.send('read');
  const [delay] = (await once(server, 'message')) as [Delay];
  const sorted = round.sort((a, b) => a - b);
  const at = (q: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!.toFixed(2);
  console.log(
    `  ${what.padEnd(12)} ping p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)}   event-loop delay p50 ${delay.p50.toFixed(2)} ` +
      `p99 ${delay.p99.toFixed(2)} max ${delay.max.toFixed(2)}   ${calculations} calculations, ${sorted.length} pings`,
  );
}

/** One ping at a time, a hundred a second. */
async function pings(socket: WebSocket, until: number): Promise<number[]> {
  const times: number[] = [];
  while (performance.now() < until) {
    const sent = performance.now();
    socket.send(JSON.stringify({ type: 'ping', timestamp: sent }));
    await once(socket, 'message');
    times.push(performance.now() - sent);
    await sleep(10);
  }
  return times;
}

async function monteCarlo(port: number, until: number): Promise<number> {
  const size = 50;
  const covariance = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 1e-4 : 3e-5)),
  );
  const weights = new Array<number>(size).fill(1 / size);
  let done = 0;
  while (performance.now() < until) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/risk/var`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ covariance, weights, method: 'monte_carlo', options: { seed: done } }),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
    done++;
  }
  return done;
}
