import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';

/** What a node says of itself once a second. */
export interface NodeStatus {
  readonly id: string;
  /** Where its clients connect: `ws://host:port/ws/stream`. */
  readonly url: string;
  readonly startedMs: number;
  readonly connections: number;
  /** Handshakes that it could take per second, from what they have cost so far. */
  readonly handshakesPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** Share of the event loop that is in use, 0–1. */
  readonly eventLoop: number;
  /** When it said so, Unix ms by its own clock. */
  readonly atMs: number;
}

/** What the registry keeps: who is alive, and how loaded. */
export interface NodeStore {
  /** Writes this node's status and reads everybody's. */
  exchange(own: NodeStatus): Promise<NodeStatus[]>;
  leave(id: string): Promise<void>;
}

/** A node that has not been heard for this long is gone, ms. */
const aliveMs = 5_000;
const maxNodes = 1_000;

/**
 * Nodes in Redis: a value for each, which Redis forgets when it is not renewed, and a sorted set of their ids. Who is
 * alive is judged by the clock of Redis alone: those of the nodes may differ.
 */
export class RedisNodeStore implements NodeStore {
  constructor(
    /** The broker's connection, which knows a cluster from a single server. */
    private readonly redis: () => Redis | Cluster,
    private readonly namespace: string,
    private readonly nowMs: () => number = Date.now,
  ) {}

  async exchange(own: NodeStatus): Promise<NodeStatus[]> {
    const redis = this.redis();
    const results = await redis
      .multi()
      .set(this.key(own.id), JSON.stringify(own), 'PX', aliveMs)
      .zadd(this.alive, this.nowMs(), own.id)
      .pexpire(this.alive, aliveMs * 2)
      .zrevrange(this.alive, 0, maxNodes - 1)
      .exec();
    const ids = (results?.at(-1)?.[1] ?? []) as string[];
    if (ids.length === 0) return [own];
    const values = await redis.mget(...ids.map((id) => this.key(id)));
    const gone = ids.filter((_, i) => values[i] === null);
    if (gone.length > 0) await redis.zrem(this.alive, ...gone);
    return values.flatMap((value) => (value === null ? [] : [JSON.parse(value) as NodeStatus]));
  }

  async leave(id: string): Promise<void> {
    await this.redis().multi().del(this.key(id)).zrem(this.alive, id).exec();
  }

  private get alive(): string {
    return `${this.namespace}{nodes}:alive`;
  }

  private key(id: string): string {
    return `${this.namespace}{nodes}:${id}`;
  }
}

/** A process that knows of no other. */
export const lonelyStore: NodeStore = {
  exchange: (own) => Promise.resolve([own]),
  leave: () => Promise.resolve(),
};

const heartbeatMs = 1_000;

/** The nodes that serve the same topics, this one among them, as of the last heartbeat. */
export class NodeRegistry {
  readonly id = randomBytes(6).toString('hex');
  private known: readonly NodeStatus[] = [];
  /** Clients that were sent to a node since its last word. */
  private readonly sent = new Map<string, { atMs: number; count: number }>();
  private timer: NodeJS.Timeout | null = null;
  private heardMs: number | null = null;
  private gone = false;

  constructor(
    private readonly store: NodeStore,
    /** `null` before it listens. */
    private readonly own: (id: string) => NodeStatus | null,
    private readonly onHeartbeat: (nodes: readonly NodeStatus[]) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.beat(), heartbeatMs).unref();
    void this.beat();
  }

  /** Clients are sent here no more. */
  async leave(): Promise<void> {
    this.gone = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.known = this.known.filter((node) => node.id !== this.id);
    // The others would notice by themselves after a few seconds.
    await this.store.leave(this.id).catch(() => undefined);
  }

  /** Every node that is alive; this one only, while Redis is away. */
  get nodes(): readonly NodeStatus[] {
    if (this.gone) return this.known;
    const own = this.own(this.id);
    if (own === null || this.known.length === 0) return own === null ? [] : [own];
    // What this node knows of itself is newer than its last word.
    return this.known.map((node) => (node.id === this.id ? { ...own, atMs: node.atMs } : node));
  }

  /** Age of what is known, ms; `null` before the first heartbeat. */
  ageMs(nowMs: number): number | null {
    return this.heardMs === null ? null : nowMs - this.heardMs;
  }

  /** The node that a client should connect to now; those sent there a moment ago count as connected. */
  leastLoaded(): NodeStatus | undefined {
    let best: NodeStatus | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    // Of every node, this one too, its last word: `sent` counts from there.
    for (const node of this.known.length > 0 ? this.known : this.nodes) {
      const sent = this.sent.get(node.id);
      const load = node.connections + (sent !== undefined && sent.atMs === node.atMs ? sent.count : 0);
      if (load < bestLoad) {
        best = node;
        bestLoad = load;
      }
    }
    if (best !== undefined) {
      const sent = this.sent.get(best.id);
      const count = sent !== undefined && sent.atMs === best.atMs ? sent.count + 1 : 1;
      this.sent.set(best.id, { atMs: best.atMs, count });
    }
    return best;
  }

  /** One heartbeat: says how this node is, and hears of the others. */
  async beat(): Promise<void> {
    const own = this.own(this.id);
    if (own === null) return;
    try {
      const nodes = await this.store.exchange(own);
      if (this.gone) return;
      this.known = nodes;
      this.heardMs = own.atMs;
      for (const id of this.sent.keys()) if (!nodes.some((node) => node.id === id)) this.sent.delete(id);
      this.onHeartbeat(nodes);
    } catch {
      // Redis away: the broker says so. Until it is back this node knows of itself only.
      if (!this.gone) this.known = [own];
    }
  }
}
