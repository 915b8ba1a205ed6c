import { setTimeout as sleep } from 'node:timers/promises';
import { loadClient } from './load.js';
import { Child, cpuSeconds, type Tools } from './machine.js';
import type { Peer, Running } from './peers.js';

/** How long one server has its turn, ms. */
const turnMs = 400;

/** CPU of one server against another's, per delivered message. */
export interface TurnsResult {
  readonly baseUs: number;
  readonly ownUs: number;
  /** Median and quartiles of the ratios of one turn to the turns of the other before and after it. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Share of its core that the server used. */
  readonly busy: number;
  /** More than the burst: the server fell behind and joined them; `undefined` where it does not say. */
  readonly perWrite: number | undefined;
}

class Contestant {
  private constructor(
    private readonly server: Running,
    private readonly client: Child,
    private readonly subscribers: number,
  ) {}

  static async open(tools: Tools, peer: Peer, subscribers: number): Promise<Contestant> {
    const server = await peer.start();
    const client = new Child(tools, 1, [
      ...loadClient(tools),
      ...['--port', `${server.port}`, '--path', peer.fanPath, '--conns', `${subscribers}`, '--spin'],
      ...['--warmup', '0.1', '--settle', '1', '--duration', '190', '--max-time', '200'],
    ]);
    const contestant = new Contestant(server, client, subscribers);
    await sleep(1_000 + subscribers / 2);
    return contestant;
  }

  /** Publishes for one turn; the others' clients stand still meanwhile. */
  async turn(start: string, ms = turnMs): Promise<{ us: number; busy: number; perWrite?: number }> {
    this.client.process.kill('SIGCONT');
    await sleep(30);
    const [before, began] = [cpuSeconds(this.server.pids), performance.now()];
    await this.ask(start);
    await sleep(ms);
    const said = (await this.ask('/stop')) as { published: number; messages_per_write?: number };
    const { published, messages_per_write: perWrite } = said;
    const seconds = (performance.now() - began) / 1_000;
    await sleep(60);
    const cpu = cpuSeconds(this.server.pids) - before;
    this.pause();
    const turn = { us: (cpu * 1e6) / (published * this.subscribers), busy: cpu / seconds };
    return perWrite === undefined ? turn : { ...turn, perWrite };
  }

  pause(): void {
    this.client.process.kill('SIGSTOP');
  }

  async end(): Promise<void> {
    this.client.process.kill('SIGCONT');
    await this.client.end('SIGKILL');
    await this.server.stop();
  }

  private ask(uri: string): Promise<unknown> {
    return fetch(`http://127.0.0.1:${this.server.control}${uri}`).then((response) => response.json());
  }
}

/**
 * Both servers run, connected, and are published to in turns of less than half a second: the speed of a machine drifts
 * more within a minute than two good servers differ, but less between two neighbouring turns.
 */
export async function inTurns(
  tools: Tools,
  base: Peer,
  own: Peer,
  subscribers: number,
  start: string,
  rounds: number,
): Promise<TurnsResult> {
  const a = await Contestant.open(tools, base, subscribers);
  a.pause();
  const b = await Contestant.open(tools, own, subscribers);
  b.pause();
  try {
    for (const each of [a, b]) await each.turn(start, 900);
    const bases: number[] = [];
    const owns: number[] = [];
    const busy: number[] = [];
    let perWrite: number | undefined;
    // Strictly one after the other: TCP behaves otherwise after a longer rest.
    bases.push((await a.turn(start)).us);
    for (let i = 0; i < rounds; i++) {
      const own = await b.turn(start);
      owns.push(own.us);
      busy.push(own.busy);
      perWrite = own.perWrite;
      bases.push((await a.turn(start)).us);
    }
    const ratios = owns.map((us, i) => (2 * us) / (bases[i]! + bases[i + 1]!));
    return {
      baseUs: quantile(bases, 0.5),
      ownUs: quantile(owns, 0.5),
      ratio: quantile(ratios, 0.5),
      low: quantile(ratios, 0.25),
      high: quantile(ratios, 0.75),
      busy: quantile(busy, 0.5),
      perWrite,
    };
  } finally {
    await a.end();
    await b.end();
  }
}

const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.round(q * (sorted.length - 1))]!;
};
