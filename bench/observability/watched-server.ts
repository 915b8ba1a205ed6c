import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Hub } from '../../src/broadcast/hub.js';
import { Config } from '../../src/config/config.js';
import { createApp } from '../../src/create-app.js';
import { Health } from '../../src/health/health.js';
import { Lifecycle } from '../../src/lifecycle/lifecycle.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import { NoMetrics } from './no-metrics.js';
import { SwitchedMetrics } from './switched-metrics.js';
import { type Level, WatchingSwitch } from './watching-switch.js';

/**
 * A server in a process of its own that tells its CPU time when asked, publishes and tells what that took, or switches
 * what watches it.
 */
export type Request =
  | { readonly ask: 'cpu' }
  | { readonly ask: 'publish'; readonly messages: number }
  | { readonly ask: 'watch'; readonly level: Level };
/** `bare`: never watched. `watched`: as in production. `switched`: one or the other, as asked. */
export type ServerMode = 'bare' | 'watched' | 'switched';
export interface Answer {
  /** Milliseconds of CPU, user and system, since the start; or of the publishing. */
  readonly cpuMs: number;
}

const mode = process.argv[2] as ServerMode;
const switched = new SwitchedMetrics();
const metricsOf = { bare: () => new NoMetrics(), watched: () => new Metrics(), switched: () => switched };
const config = Config.from(process.env);
const lifecycle = new Lifecycle();
const app = await createApp({
  config,
  lifecycle,
  logger: new Logger('silent', []),
  metrics: metricsOf[mode](),
});
await app.init();
await app.get(Health).runAll();
await app.listen(0, '127.0.0.1');
await lifecycle.started();
const hub = app.get(Hub, { strict: false });
const watching = mode === 'switched' ? new WatchingSwitch(switched) : null;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** What follows an answer (events, analytics, what was put off to the next turns) belongs to it. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn();
}

/** In bursts of fifty per turn of the event loop, as a busy publisher does. */
async function publish(messages: number): Promise<number> {
  const before = cpuMs();
  for (let i = 0; i < messages; i++) {
    hub.publish('custom.bench', { seq: i, price: 100 + (i % 7), symbol: 'BENCH', text: 'x'.repeat(80) });
    if (i % 50 === 49) await nextTurn();
  }
  await settled();
  return cpuMs() - before;
}

async function answer(request: Request): Promise<number> {
  if (request.ask === 'publish') return publish(request.messages);
  if (request.ask === 'watch') watching?.set(request.level);
  await settled();
  return cpuMs();
}

process.on('message', (request: Request) => {
  void answer(request).then((ms) => process.send?.({ cpuMs: ms } satisfies Answer));
});
process.once('disconnect', () => {
  void lifecycle.shutdown().then(() => process.exit(0));
});
process.send?.({ url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}` });
