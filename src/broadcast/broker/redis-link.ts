import { Cluster, Redis } from 'ioredis';
import { knownScript, openScript, publishScript, renewScript } from './redis-scripts.js';

/** A stream entry: id, then fields and values in turn. */
export type StreamEntry = [id: string, fields: string[]];

/** The broker's Lua calls, as ioredis defines them on a connection. */
interface Scripts {
  tidewatchPublish(keys: number, ...rest: (string | number)[]): Promise<string>;
  tidewatchOpen(keys: number, ...rest: string[]): Promise<[string, string, string, string]>;
  tidewatchRenew(keys: number, ...rest: (string | number)[]): Promise<string>;
  tidewatchKnown(keys: number, ...rest: string[]): Promise<string[]>;
}

export interface LinkListener {
  onAnnouncement(text: string): void;
  /** Both connections work, and every channel is subscribed. */
  onUp(): void;
  onDown(reason: string): void;
}

const commandTimeoutMs = 2_000;
/** How long clients may have to wait for a Redis that says nothing. */
const promptMs = 250;
/** … and for one answer while it gives others. */
const promptAtMostMs = 1_000;
const retryDelay = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000);

/**
 * The broker's own connections: one for commands, one that listens (on a cluster: sharded pub/sub, one per shard).
 * Commands fail at once while Redis is away, after a quarter of a second without an answer where clients wait for it
 * ({@link promptly}), else after two.
 */
export class RedisLink {
  isUp = false;
  /** `SPUBLISH` on a cluster, where a message stays on the shard of its channel. */
  publishCommand: 'PUBLISH' | 'SPUBLISH' = 'PUBLISH';
  private commands!: (Redis | Cluster) & Scripts;
  private listener: Redis | Cluster | undefined;
  private commandsReady = false;
  private listening = false;
  private stopped = false;
  private answeredMs = 0;

  constructor(
    private readonly url: string,
    private readonly channels: readonly string[],
    private readonly on: LinkListener,
  ) {}

  /** Starts connecting. Resolves at the first success or failure; connecting goes on by itself. */
  async start(): Promise<void> {
    const isCluster = await this.detectCluster();
    this.publishCommand = isCluster ? 'SPUBLISH' : 'PUBLISH';
    const commands = isCluster ? this.cluster() : this.single(commandTimeoutMs);
    commands.defineCommand('tidewatchPublish', { lua: publishScript });
    commands.defineCommand('tidewatchOpen', { lua: openScript });
    commands.defineCommand('tidewatchRenew', { lua: renewScript });
    commands.defineCommand('tidewatchKnown', { lua: knownScript });
    this.commands = commands as (Redis | Cluster) & Scripts;
    this.listener = isCluster ? commands : this.single(undefined);
    this.listener.on(isCluster ? 'smessage' : 'message', (_channel: string, text: string) =>
      this.on.onAnnouncement(text),
    );
    this.watch(commands, isCluster);
    if (!isCluster) this.watchListener(this.listener as Redis);
    const connected = Promise.allSettled([
      commands.connect(),
      ...(isCluster ? [] : [(this.listener as Redis).connect()]),
    ]);
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise((resolve) => {
      timer = setTimeout(resolve, commandTimeoutMs);
    });
    await Promise.race([connected, enough]);
    clearTimeout(timer);
  }

  get redis(): (Redis | Cluster) & Scripts {
    return this.commands;
  }

  /** The answer to a call that clients wait for. @throws Error when Redis says nothing for too long */
  async promptly<T>(answer: Promise<T>): Promise<T> {
    const begunMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const look = (): void => {
        const now = performance.now();
        const restMs = Math.max(this.answeredMs, begunMs) + promptMs - now;
        if (restMs > 0 && now - begunMs < promptAtMostMs) timer = setTimeout(look, restMs);
        // The answer may have come while this process was busy: then it is read before the reject.
        else setImmediate(() => reject(new Error('Redis does not answer')));
      };
      timer = setTimeout(look, promptMs);
    });
    try {
      const answered = await Promise.race([answer, late]);
      this.answeredMs = performance.now();
      return answered;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A command was not answered in time: the connection is given up, so that it is made anew. */
  reset(): void {
    if (this.commands instanceof Redis) this.commands.disconnect(true);
  }

  stop(): void {
    this.stopped = true;
    this.isUp = false;
    this.commands?.disconnect();
    this.listener?.disconnect();
  }

  private async detectCluster(): Promise<boolean> {
    const probe = new Redis(this.url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      connectTimeout: commandTimeoutMs,
      retryStrategy: () => null,
    });
    probe.on('error', () => {
      // The attempt's own rejection is what is looked at.
    });
    try {
      await probe.connect();
      return /cluster_enabled:1/.test(await probe.info('cluster'));
    } catch {
      // Not there now: taken for a single server, as RedisProvider does.
      return false;
    } finally {
      probe.disconnect();
    }
  }

  private single(timeoutMs: number | undefined): Redis {
    return this.quiet(
      new Redis(this.url, {
        lazyConnect: true,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        // What was in flight is repeated by the outbox, which knows how to do it only once.
        autoResendUnfulfilledCommands: false,
        autoResubscribe: false,
        connectTimeout: commandTimeoutMs,
        retryStrategy: (attempt) => (this.stopped ? null : retryDelay(attempt)),
        ...(timeoutMs === undefined ? {} : { commandTimeout: timeoutMs }),
      }),
    );
  }

  private cluster(): Cluster {
    const { hostname, port, username, password } = new URL(this.url);
    return this.quiet(
      new Cluster([{ host: hostname, port: Number(port || 6379) }], {
        lazyConnect: true,
        enableOfflineQueue: false,
        shardedSubscribers: true,
        clusterRetryStrategy: (attempt) => (this.stopped ? null : retryDelay(attempt)),
        redisOptions: {
          ...(username === '' ? {} : { username: decodeURIComponent(username) }),
          ...(password === '' ? {} : { password: decodeURIComponent(password) }),
          connectTimeout: commandTimeoutMs,
          commandTimeout: commandTimeoutMs,
          maxRetriesPerRequest: 0,
        },
      }),
    );
  }

  private quiet<C extends Redis | Cluster>(client: C): C {
    client.on('error', () => {
      // `close` tells the same, once.
    });
    return client;
  }

  private watch(commands: Redis | Cluster, isCluster: boolean): void {
    commands.on('ready', () => {
      this.commandsReady = true;
      if (isCluster) void this.subscribeSharded(commands as Cluster);
      else this.look();
    });
    commands.on('close', () => {
      this.commandsReady = false;
      if (isCluster) this.listening = false;
      this.down('the connection to Redis was lost');
    });
  }

  private watchListener(listener: Redis): void {
    listener.on('ready', () => {
      listener.subscribe(...this.channels).then(
        () => {
          this.listening = true;
          this.look();
        },
        () => listener.disconnect(true),
      );
    });
    listener.on('close', () => {
      this.listening = false;
      this.down('the subscription to Redis was lost');
    });
  }

  private async subscribeSharded(cluster: Cluster): Promise<void> {
    try {
      for (const channel of this.channels) await cluster.ssubscribe(channel);
      this.listening = true;
      this.look();
    } catch {
      if (!this.stopped) setTimeout(() => void this.subscribeSharded(cluster), 200).unref();
    }
  }

  private look(): void {
    if (this.isUp || this.stopped || !this.commandsReady || !this.listening) return;
    this.isUp = true;
    this.on.onUp();
  }

  private down(reason: string): void {
    if (!this.isUp) return;
    this.isUp = false;
    if (!this.stopped) this.on.onDown(reason);
  }
}
