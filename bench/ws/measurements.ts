import { setTimeout as sleep } from 'node:timers/promises';
import { disturbance, type LoadOptions, type LoadResult, load, loadClient, loadOnce } from './load.js';
import { Child, type Tools } from './machine.js';
import { bareNode, floorOf, floorOfOurMessages, ours, type Peer, peersOf, type Running } from './peers.js';
import { inTurns } from './turns.js';

/** Bursts of 100: CPU per message, as a multiple of the floor's. */
const goalOfHundreds = 1.15;

interface Sample {
  readonly name: string;
  readonly result: LoadResult;
  /** To the floor just before and just after; `undefined` where there is no floor. */
  readonly ratio: number | undefined;
}

interface PingSample {
  readonly latency: LoadResult['lat_ms'];
  readonly deliveries: number;
  /** Share of a core that neither the server nor the two clients used. */
  readonly others: number;
}

/** Runs of a measurement whose worst case counts. */
const repeats = 5;

type Wanted = Omit<LoadOptions, 'port' | 'pids' | 'path' | 'control'>;

/** What the issue of speed is measured by: one row per server, floor before and after. */
export class Measurements {
  private readonly floor: Peer | null;
  private readonly us: Peer;
  private readonly peers: Peer[];
  private readonly missing: string[];

  constructor(
    private readonly tools: Tools,
    private readonly seconds: number,
    private readonly rounds: number,
  ) {
    this.floor = floorOf(tools);
    this.us = ours(tools);
    ({ peers: this.peers, missing: this.missing } = peersOf(tools));
  }

  /** 100,000 deliveries a second, one message at a time. */
  async fanOut(subscribers: number): Promise<void> {
    const rate = 100_000 / subscribers;
    const wanted: Wanted = {
      mode: 'fanout',
      connections: subscribers,
      seconds: this.seconds,
      start: `/start?rate=${rate}&burst=1`,
      spin: true,
    };
    const peers = subscribers > 2_000 ? [] : this.peers;
    // Where there is a floor, the turns compare better.
    const samples = await this.row([this.us, ...(this.floor === null ? peers : [])], wanted, 'fan');
    this.print(`one by one, ${subscribers} subscribers, 100,000 deliveries/s`, samples);
    await this.turns(subscribers, wanted.start!, subscribers > 2_000 ? 1.5 : 1.25, peers);
  }

  /** The ratios that the goals are about. */
  private async turns(
    subscribers: number,
    start: string,
    goal: number,
    peers: readonly Peer[],
  ): Promise<void> {
    if (this.floor === null) return;
    const servers = [this.us, ...peers];
    const results = await inTurns(this.tools, this.floor, servers, { subscribers, start }, this.rounds);
    console.log(`  in ${this.rounds} rounds of turns, the C floor before and after each:`);
    for (const r of results) {
      const aim = r.name === this.us.name ? verdict(r.ratio, goal, '× the floor') : '';
      const joining = r.perWrite === undefined ? '' : `, ${r.perWrite.toFixed(2)} messages per write`;
      console.log(
        `  ${r.name.padEnd(12)} ${r.ownUs.toFixed(4)} against ${r.baseUs.toFixed(4)} µs/msg, ratio ${r.ratio.toFixed(2)} ` +
          `(quartiles ${r.low.toFixed(2)} to ${r.high.toFixed(2)}; ${Math.round(r.busy * 100)} % of the core${joining}) ${aim}`,
      );
    }
  }

  /** Bursts as fast as the sockets drain; the floor joins them into one write, as we do. */
  async bursts(size: number): Promise<void> {
    const wanted: Wanted = {
      mode: 'fanout',
      connections: 1_000,
      seconds: this.seconds,
      start: `/start?rate=0&burst=${size}&batch=1`,
      spin: true,
    };
    const peers = size === 100 ? this.peers.filter(({ name }) => name === 'ws') : [];
    const samples = await this.row([this.us, this.us, this.us, ...peers], wanted, 'fan');
    this.print(`bursts of ${size}, 1,000 subscribers, as fast as they drain`, samples);
    // Below what the client can read, so that its reading does not decide what a write costs.
    const rate = size === 100 ? 4_000 : 800;
    await this.turns(
      1_000,
      `/start?rate=${rate}&burst=${size}&batch=1`,
      size === 100 ? goalOfHundreds : 1.35,
      bareNode(this.tools),
    );
    if (size === 100) await this.saturated(wanted.start!);
  }

  /**
   * As fast as the client reads, which then decides: it takes longer over our messages than over the floor's, so that more of
   * them wait in the kernel's memory and every write costs more. The floor is to send the same.
   */
  private async saturated(start: string): Promise<void> {
    const same = floorOfOurMessages(this.tools);
    if (same === null) return;
    const load = { subscribers: 1_000, start };
    const [found] = await inTurns(this.tools, same, [this.us], load, this.rounds);
    const { ratio, low, high, ownUs, baseUs, perSecond, basePerSecond } = found!;
    console.log(
      `  as fast as they drain, in turns with a floor that sends the same messages: ${ownUs.toFixed(4)} against ` +
        `${baseUs.toFixed(4)} µs/msg, ratio ${ratio.toFixed(2)} (quartiles ${low.toFixed(2)} to ${high.toFixed(2)}); ` +
        `${millions(perSecond)} against ${millions(basePerSecond)} million messages/s ` +
        `${verdict(ratio, goalOfHundreds, '× that floor')} (goal over 8 million: ${perSecond > 8e6 ? 'met' : 'missed'})`,
    );
  }

  async pings(): Promise<void> {
    const wanted: Wanted = { mode: 'echo', connections: 100, seconds: this.seconds, inFlight: 4 };
    const samples = await this.row([this.us, ...this.peers], wanted, 'ping');
    this.print('pings, 100 connections × 4 in flight, through /ws/system/health', samples, 2.2);
  }

  /** How long a ping waits while a large topic is published. */
  async pingsDuringFanOut(): Promise<void> {
    console.log('\nping while a topic of 5,000 subscribers is published 20 times a second');
    const ws = this.peers.filter(({ name }) => name === 'ws');
    const floor = this.floor === null ? [] : [this.floor];
    const found: number[] = [];
    for (const peer of [...floor, ...Array.from({ length: repeats }, () => this.us), ...ws, ...floor]) {
      const { latency, deliveries, others } = await this.quietPings(peer);
      if (peer === this.us) found.push(latency.p99);
      console.log(
        `  ${peer.name.padEnd(12)} p50 ${ms(latency.p50)}  p99 ${ms(latency.p99)}  max ${ms(latency.max)}  ` +
          `beside ${deliveries.toLocaleString('en')} deliveries/s, ${Math.round(others * 100)} % of a core to others`,
      );
    }
    const worst = Math.max(...found);
    console.log(`  worst p99 of ${repeats}: ${ms(worst).trim()} ${verdict(worst, 5, 'ms')}`);
  }

  /** Again when other work on the machine has spoiled the window. */
  private async quietPings(peer: Peer): Promise<PingSample> {
    const first = await this.pingDuringFanOut(peer);
    if (first.others < 0.1) return first;
    const second = await this.pingDuringFanOut(peer);
    return second.others < first.others ? second : first;
  }

  /** Everyone is connected before anything is published: a server that is busy takes no more. */
  private async pingDuringFanOut(peer: Peer): Promise<PingSample> {
    const server = await peer.start();
    const background = this.background(server, peer);
    const published = background.output();
    try {
      await sleep(2_000);
      const pings = loadOnce(this.tools, {
        ...at(server, peer.pingPath!),
        mode: 'echo',
        connections: 50,
        rate: 20,
        seconds: this.seconds,
        settleMs: 2_500,
        ahead: true,
      });
      await sleep(500);
      // What thousands of handshakes have left behind is not what a ping should wait for.
      await fetch(`http://127.0.0.1:${server.control}/gc`);
      const result = await pings;
      const beside = JSON.parse(await published) as LoadResult;
      return {
        latency: result.lat_ms,
        deliveries: beside.msgs_per_s,
        others: disturbance(result) - (beside.client_busy ?? 0),
      };
    } finally {
      await background.end();
      await server.stop();
    }
  }

  async idle(): Promise<void> {
    console.log('\n10,000 idle connections, subscribed');
    for (const peer of [this.us, ...this.peers.filter(({ name }) => name === 'ws')]) {
      const server = await peer.start();
      try {
        await fetch(`http://127.0.0.1:${server.control}/gc`);
        const result = await load(this.tools, {
          ...at(server, peer.fanPath),
          mode: 'idle',
          connections: 10_000,
          seconds: 0.5,
          start: '/gc',
          settleMs: 1_500,
        });
        const goal = peer === this.us ? verdict(result.rss_kb_per_conn, 6, 'kB') : '';
        console.log(
          `  ${peer.name.padEnd(12)} ${result.opened} open, ${result.rss_kb_per_conn.toFixed(1)} kB each ${goal}`,
        );
      } finally {
        await server.stop();
      }
    }
  }

  /**
   * 100 clients that stop reading among 1,000. The kernel takes some megabytes for each of them, which costs the others
   * something also at the floor: it shows how much.
   */
  async frozen(): Promise<void> {
    console.log('\n100 frozen clients among 1,000, messages of 16,000 bytes, 40 a second');
    const wanted: Wanted = {
      mode: 'fanout',
      connections: 1_000,
      seconds: this.seconds + 6,
      start: '/start?rate=40&burst=1&size=16000',
      spin: true,
      receiveBuffer: 131_072,
    };
    const floor = (...counts: number[]) =>
      this.floor === null ? [] : counts.map((count) => [this.floor!, count] as const);
    const us = [0, 100, 0, 100].map((count) => [this.us, count] as const);
    for (const [peer, count] of [...floor(0, 100), ...us, ...floor(0, 100)]) {
      const server = await peer.start();
      const watch = peer === this.us ? watchQueues(server) : undefined;
      try {
        const result = await load(this.tools, { ...wanted, ...at(server, peer.fanPath), frozen: count });
        const most = await watch?.stop();
        const queued =
          most === undefined ? '' : `most bytes queued for one client ${most.toLocaleString('en')}  `;
        console.log(
          `  ${peer.name.padEnd(12)} ${String(count).padStart(3)} frozen: p50 ${ms(result.lat_ms.p50)}  ` +
            `p99 ${ms(result.lat_ms.p99)}  ${queued}closed ${result.closed}  missing ${result.total_missing}`,
        );
      } finally {
        await watch?.stop();
        await server.stop();
      }
    }
  }

  /** Servers, with the floor before, between and after them. */
  private async row(peers: readonly Peer[], wanted: Wanted, kind: 'fan' | 'ping'): Promise<Sample[]> {
    const able = peers.filter((peer) => kind === 'fan' || peer.pingPath !== null);
    const order = able.flatMap((peer) => (this.floor === null ? [peer] : [this.floor, peer]));
    if (this.floor !== null) order.push(this.floor);
    const results: LoadResult[] = [];
    for (const peer of order) {
      const server = await peer.start();
      try {
        const path = kind === 'fan' ? peer.fanPath : peer.pingPath!;
        results.push(await load(this.tools, { ...wanted, ...at(server, path), socketIo: peer.socketIo }));
      } finally {
        await server.stop();
      }
    }
    return results.map((result, i) => {
      const around = order[i] === this.floor ? [result] : [results[i - 1], results[i + 1]];
      const floors = around.map((each) => each?.exec_us_per_msg ?? 0);
      const ratio = (result.exec_us_per_msg * floors.length) / floors.reduce((sum, us) => sum + us, 0);
      return { name: order[i]!.name, result, ratio: this.floor === null ? undefined : ratio };
    });
  }

  private print(title: string, samples: readonly Sample[], goal?: number): void {
    console.log(`\n${title}`);
    for (const { name, result, ratio } of samples) {
      const judged = goal !== undefined && name === this.us.name && ratio !== undefined;
      const aim = judged ? verdict(ratio, goal, '× the floor') : '';
      console.log(
        `  ${name.padEnd(12)} ${result.exec_us_per_msg.toFixed(3).padStart(8)} µs/msg  ${(ratio?.toFixed(2) ?? '–').padStart(6)} ×  ` +
          `${result.msgs_per_s.toLocaleString('en').padStart(11)} msg/s  p50 ${ms(result.lat_ms.p50)}  p99 ${ms(result.lat_ms.p99)}  ` +
          `missing ${result.total_missing} ${joined(result)}${room(result)}${aim}`,
      );
    }
    for (const name of this.missing) console.log(`  not installed: ${name}`);
  }

  private background(server: Running, peer: Peer): Child {
    return new Child(this.tools, 1, [
      ...loadClient(this.tools),
      ...['--port', `${server.port}`, '--conns', '5000', '--path', peer.fanPath, '--settle', '2500'],
      ...['--warmup', '0.2', '--duration', `${this.seconds + 3}`],
      ...['--start', '/start?rate=20&burst=1', '--stop', '/stop'],
    ]);
  }
}

/** Messages per write, where it is not one: a server that falls behind joins them. */
const joined = ({ stop }: LoadResult): string => {
  const count = stop?.messages_per_write ?? 1;
  return count > 1.02 ? `${count.toFixed(1)} messages per write ` : '';
};
/** What server and client had left: the one with nothing left is what limits the rate. */
const room = ({ srv_exec_s: server, window_s: window, client_idle: idle }: LoadResult): string =>
  server === undefined || window === undefined
    ? ''
    : `core ${Math.round((100 * server) / window)} % busy, client ${Math.round(100 * idle)} % idle `;
const at = ({ port, control, pids }: Running, path: string) => ({ port, control, pids, path });
const ms = (value: number): string => `${value.toFixed(2)} ms`.padStart(10);
const verdict = (value: number, goal: number, unit: string): string =>
  `(goal ≤ ${goal} ${unit}: ${value <= goal ? 'met' : 'missed'})`;

/** The most that waited for one client while it was looked at. */
function watchQueues({ control }: Running): { stop(): Promise<number> } {
  let most = 0;
  const look = async (): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${control}/queued`);
    most = Math.max(most, ((await response.json()) as { most: number }).most);
  };
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = look().catch(() => undefined);
  }, 250);
  return {
    async stop() {
      clearInterval(timer);
      await running;
      return most;
    },
  };
}

const millions = (perSecond: number): string => (perSecond / 1e6).toFixed(2);
