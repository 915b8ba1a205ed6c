import { setTimeout as sleep } from 'node:timers/promises';
import { loadClient, socketIoArguments } from './load.js';
import { Child, cpuSeconds, type Tools } from './machine.js';
import type { Peer, Running } from './peers.js';

/** How long one server has its turn, ms. */
const turnMs = 1_200;
/** Published to before anything is counted, ms: what is measured is a server that has run for a while. */
const warmUpMs = 3_000;

/** CPU of one server against another's, per delivered message. */
export interface TurnsResult {
  readonly name: string;
  readonly baseUs: number;
  readonly ownUs: number;
  /** Median and quartiles of the ratios of one turn to the turns of the base before and after it. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Share of its core that the server used. */
  readonly busy: number;
  /** Messages delivered per second, and by the base; medians. */
  readonly perSecond: number;
  readonly basePerSecond: number;
  /** More than the burst: the server fell behind and joined them; `undefined` where it does not say. */
  readonly perWrite: number | undefined;
}

/** A turn and those of the base around it. */
interface Compared {
  readonly own: Turn;
  readonly baseUs: number;
  readonly basePerSecond: number;
}

interface Turn {
  readonly us: number;
  readonly busy: number;
  readonly perSecond: number;
  readonly perWrite: number | undefined;
}

class Contestant {
  private constructor(
    readonly name: string,
    private readonly server: Running,
    private readonly client: Child,
    private readonly subscribers: number,
  ) {}

  static async open(tools: Tools, peer: Peer, subscribers: number): Promise<Contestant> {
    const server = await peer.start();
    const client = new Child(tools, 1, [
      ...loadClient(tools),
      ...['--port', `${server.port}`, '--path', peer.fanPath, '--conns', `${subscribers}`, '--spin'],
      ...['--warmup', '0.1', '--settle', '1', '--duration', '580', '--max-time', '600'],
      ...(peer.socketIo ? socketIoArguments : []),
    ]);
    const contestant = new Contestant(peer.name, server, client, subscribers);
    await sleep(1_000 + subscribers / 2);
    return contestant;
  }

  /** Publishes for one turn; the others' clients stand still meanwhile. */
  async turn(start: string, ms = turnMs): Promise<Turn> {
    this.client.process.kill('SIGCONT');
    await sleep(30);
    const [before, began] = [cpuSeconds(this.server.pids), performance.now()];
    await this.ask(start);
    await sleep(ms);
    const said = (await this.ask('/stop')) as { published: number; messages_per_write?: number };
    const seconds = (performance.now() - began) / 1_000;
    const cpu = (await this.atRest()) - before;
    this.pause();
    return {
      us: (cpu * 1e6) / (said.published * this.subscribers),
      busy: cpu / seconds,
      perSecond: (said.published * this.subscribers) / seconds,
      perWrite: said.messages_per_write,
    };
  }

  pause(): void {
    this.client.process.kill('SIGSTOP');
  }

  async end(): Promise<void> {
    this.client.process.kill('SIGCONT');
    await this.client.end('SIGKILL');
    await this.server.stop();
  }

  /** CPU seconds of the server once it has delivered what was published, late or not. */
  private async atRest(): Promise<number> {
    await sleep(60);
    let seen = cpuSeconds(this.server.pids);
    for (let i = 0; i < 30; i++) {
      await sleep(30);
      const now = cpuSeconds(this.server.pids);
      if (now - seen < 0.003) return now;
      seen = now;
    }
    return seen;
  }

  private ask(uri: string): Promise<unknown> {
    return fetch(`http://127.0.0.1:${this.server.control}${uri}`).then((response) => response.json());
  }
}

/**
 * All servers run, connected, and are published to in turns of about a second, the base before and after every other
 * one: the speed of a machine drifts more within a minute than two good servers differ, but less between two
 * neighbouring turns.
 */
export async function inTurns(
  tools: Tools,
  base: Peer,
  others: readonly Peer[],
  load: { readonly subscribers: number; readonly start: string },
  rounds: number,
): Promise<TurnsResult[]> {
  const contestants: Contestant[] = [];
  try {
    for (const peer of [base, ...others]) {
      const contestant = await Contestant.open(tools, peer, load.subscribers);
      contestant.pause();
      contestants.push(contestant);
    }
    for (const each of contestants) await each.turn(load.start, warmUpMs);
    const [first, ...rest] = contestants;
    const turns = rest.map((): Compared[] => []);
    // Strictly one after the other: TCP behaves otherwise after a longer rest.
    let before = await first!.turn(load.start);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contestant] of rest.entries()) {
        const own = await contestant.turn(load.start);
        const after = await first!.turn(load.start);
        turns[i]!.push({
          own,
          baseUs: (before.us + after.us) / 2,
          basePerSecond: (before.perSecond + after.perSecond) / 2,
        });
        before = after;
      }
    }
    return rest.map(({ name }, i) => summary(name, turns[i]!));
  } finally {
    for (const each of contestants) await each.end();
  }
}

function summary(name: string, turns: readonly Compared[]): TurnsResult {
  const ratios = turns.map(({ own, baseUs }) => own.us / baseUs);
  return {
    name,
    baseUs: quantile(
      turns.map(({ baseUs }) => baseUs),
      0.5,
    ),
    ownUs: quantile(
      turns.map(({ own }) => own.us),
      0.5,
    ),
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    busy: quantile(
      turns.map(({ own }) => own.busy),
      0.5,
    ),
    perSecond: quantile(
      turns.map(({ own }) => own.perSecond),
      0.5,
    ),
    basePerSecond: quantile(
      turns.map(({ basePerSecond }) => basePerSecond),
      0.5,
    ),
    perWrite: turns.at(-1)?.own.perWrite,
  };
}

const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.round(q * (sorted.length - 1))]!;
};
