import { Backoff } from './backoff.js';
import type { ErrorMessage, PublicationMessage, ServerMessage, SnapshotData, TopicData } from './messages.js';
import { type SubscribeOptions, Subscription } from './subscription.js';
import { WholeData } from './whole-data.js';

/** The part of the browser's WebSocket that is used; Node's global one and `ws` fit. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type ClientState = 'connecting' | 'open' | 'waiting' | 'closed';

export interface ClientOptions {
  /**
   * Where the server is: `ws://…/ws/stream`, or its `http(s)://host` alone; or a function that is asked before each
   * connection, such as {@link leastLoaded}.
   */
  readonly url: string | (() => string | Promise<string>);
  /** Key, or a function that gives a fresh one for each connection. Sent in the protocol list, never in the URL. */
  readonly token?: string | (() => string | Promise<string>);
  /** Default: the global `WebSocket` (browsers, Node ≥ 22). */
  readonly WebSocket?: new (
    url: string,
    protocols?: string[],
  ) => WebSocketLike;
  /** Delay before the first reconnect, ms; doubles with jitter. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** A ping is sent when nothing was heard for this long; without an answer in as long again, it reconnects. 0: never. */
  readonly heartbeatMs?: number;
  readonly onState?: (
    state: ClientState,
    detail: { code?: number; reason?: string; retryInMs?: number },
  ) => void;
  /** Messages that belong to no subscription: typed errors of the connection itself. */
  readonly onError?: (code: string, message: string) => void;
  readonly random?: () => number;
}

/** A key on its way to the server. */
interface Refresh {
  readonly token: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Codes after which a fresh token is needed; without a way to get one they are final. */
const tokenCodes = new Set([3000, 4001]);
/** Codes after which coming back would only be refused again. */
const finalCodes = new Set([1000, 1002, 1007, 1009, 4002, 4004]);
const restartCode = 1012;
/** How long a server may take to answer the handshake, ms. */
const connectTimeoutMs = 10_000;
const openState = 1;
const ignore = (): void => {};

/**
 * Keeps one connection to `/ws/stream` and its subscriptions alive: backs off with jitter, obeys the server's
 * `reconnect_after_ms`, resubscribes, resumes each topic from its position and says so when something is gone.
 *
 * @example
 * const client = new TidewatchClient({ url: 'http://127.0.0.1:8001' });
 * client.subscribe('analytics.PORTFOLIO_001', { onMessage: (summary) => console.log(summary.current_value) });
 */
export class TidewatchClient {
  private readonly subscriptions = new Map<number, Subscription>();
  private readonly whole = new WholeData();
  private readonly backoff: Backoff;
  private readonly heartbeatMs: number;
  private socket: WebSocketLike | null = null;
  /** For the next attempt, or for the end of this one. */
  private timer: ReturnType<typeof setTimeout> | null = null;
  private heartbeat: ReturnType<typeof setInterval> | null = null;
  private heardAtMs = 0;
  private nextId = 1;
  private current: ClientState = 'waiting';
  private readonly pings: { sent: number; resolve: (ms: number) => void; reject: (error: Error) => void }[] =
    [];
  private readonly refreshes = new Map<number, Refresh>();
  private readonly make: NonNullable<ClientOptions['WebSocket']>;
  private token: ClientOptions['token'];

  /** @throws Error when the address is wrong, or there is no WebSocket here: nothing that waiting would mend */
  constructor(private readonly options: ClientOptions) {
    if (typeof options.url === 'string') streamUrl(options.url);
    const make = options.WebSocket ?? globalThis.WebSocket;
    if (make === undefined) throw new Error('there is no WebSocket here: pass one as options.WebSocket');
    this.make = make as unknown as NonNullable<ClientOptions['WebSocket']>;
    this.token = options.token;
    this.backoff = new Backoff(
      { firstMs: options.firstDelayMs ?? 250, maxMs: options.maxDelayMs ?? 15_000 },
      options.random,
    );
    this.heartbeatMs = options.heartbeatMs ?? 15_000;
    void this.connect();
  }

  get state(): ClientState {
    return this.current;
  }

  /**
   * Subscribes now or as soon as there is a connection, and after every reconnect.
   * @throws Error when this client is subscribed to the topic already
   */
  subscribe<Topic extends string>(
    topic: Topic,
    options: SubscribeOptions<TopicData<Topic>, SnapshotData<Topic>>,
  ): Subscription<Topic> {
    for (const known of this.subscriptions.values()) {
      if (known.topic === topic) throw new Error(`already subscribed to ${topic}`);
    }
    const subscription = new Subscription<Topic>(this.nextId++, topic, options, this.whole, (left) =>
      this.unsubscribe(left),
    );
    this.subscriptions.set(subscription.id, subscription as unknown as Subscription);
    if (this.isOpen) this.send(subscription.request());
    return subscription;
  }

  /** @returns round trip to the server, ms; rejects when the connection is lost before the answer */
  ping(): Promise<number> {
    if (!this.isOpen) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject) => this.sendPing(resolve, reject));
  }

  /**
   * Gives the server a fresh key on the open connection. Subscriptions that it may not have end with `FORBIDDEN_TOPIC`.
   * Later connections take it too, unless `options.token` is a function.
   * @returns when the server has taken it; rejects with its code when it is refused, or the connection is lost before
   */
  refreshToken(token: string): Promise<void> {
    if (!this.isOpen) return Promise.reject(new Error('not connected'));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.refreshes.set(id, { token, resolve, reject });
      this.send({ type: 'auth', id, token });
    });
  }

  /** Ends the connection for good. */
  close(): void {
    this.setState('closed', {});
    this.drop();
    this.socket?.close(1000);
    this.socket = null;
  }

  private get isOpen(): boolean {
    return this.socket?.readyState === openState;
  }

  private async connect(): Promise<void> {
    if (this.current === 'closed') return;
    this.setState('connecting', {});
    let socket: WebSocketLike;
    try {
      const { token } = this;
      const { url } = this.options;
      const address = streamUrl(typeof url === 'function' ? await url() : url);
      const key = typeof token === 'function' ? await token() : token;
      if ((this.current as ClientState) === 'closed') return;
      socket = new this.make(address, key === undefined ? ['tidewatch'] : ['tidewatch', `bearer.${key}`]);
    } catch (error) {
      this.retry(0, String(error));
      return;
    }
    this.socket = socket;
    this.timer = setTimeout(() => {
      this.retry(1006, 'no answer to the handshake');
      socket.close();
    }, connectTimeoutMs);
    socket.onopen = () => this.opened(socket);
    socket.onmessage = ({ data }) => this.received(JSON.parse(String(data)) as ServerMessage);
    // An error is always followed by a close, which carries the code.
    socket.onerror = ignore;
    socket.onclose = ({ code, reason }) => {
      if (this.socket === socket) this.retry(code, reason);
    };
  }

  private opened(socket: WebSocketLike): void {
    if (this.socket !== socket) return;
    if (this.timer) clearTimeout(this.timer);
    this.heardAtMs = Date.now();
    this.setState('open', {});
    for (const subscription of this.subscriptions.values()) this.send(subscription.request());
    if (this.heartbeatMs <= 0) return;
    this.heartbeat = setInterval(() => {
      const silentMs = Date.now() - this.heardAtMs;
      if (silentMs >= this.heartbeatMs * 2) {
        // The peer may be gone without a word: do not wait for its half of the close.
        this.retry(1006, 'no answer to a ping');
        socket.close();
      } else if (silentMs >= this.heartbeatMs && this.pings.length === 0) this.sendPing(ignore, ignore);
    }, this.heartbeatMs / 2);
    (this.heartbeat as { unref?: () => void }).unref?.();
  }

  private received(message: ServerMessage): void {
    this.heardAtMs = Date.now();
    switch (message.type) {
      case 'message':
        this.publication(message);
        break;
      case 'position':
        this.whole.forget(message.topic);
        for (const subscription of this.subscriptions.values()) {
          if (covers(subscription.topic, message.topic)) subscription.repositioned(message);
        }
        break;
      case 'subscribed':
        this.backoff.reset();
        this.subscriptions.get(message.id)?.subscribed(message);
        break;
      case 'pong': {
        const ping = this.pings.shift();
        ping?.resolve(performance.now() - ping.sent);
        break;
      }
      case 'unsubscribed':
        if (message.reason !== undefined) this.taken(message.topic, message.reason);
        break;
      case 'authenticated': {
        const refresh = this.refreshed(message.id);
        if (refresh === undefined) break;
        if (typeof this.token !== 'function') this.token = refresh.token;
        refresh.resolve();
        break;
      }
      case 'error':
        this.refused(message);
        break;
      default:
        break;
    }
  }

  private refused({ id, code, message, retry_after_ms }: ErrorMessage): void {
    const refresh = id == null ? undefined : this.refreshed(id);
    const subscription = id == null ? undefined : this.subscriptions.get(id);
    if (refresh !== undefined) refresh.reject(new Error(code));
    else if (subscription === undefined) this.options.onError?.(code, message);
    else if (retry_after_ms !== undefined) this.askAgain(subscription, retry_after_ms);
    else {
      this.subscriptions.delete(subscription.id);
      subscription.refused(code, message);
    }
  }

  /** The server is busy, or was asked too much at once. */
  private askAgain(subscription: Subscription, afterMs: number): void {
    const { socket } = this;
    const random = this.options.random ?? Math.random;
    // Another connection asks for everything by itself.
    const again = (): void => {
      if (this.socket === socket && this.subscriptions.has(subscription.id))
        this.send(subscription.request());
    };
    setTimeout(again, afterMs * (1 + random()));
  }

  /** The key may not see the topic any more. */
  private taken(topic: string, reason: string): void {
    for (const subscription of this.subscriptions.values()) {
      if (subscription.topic !== topic) continue;
      this.subscriptions.delete(subscription.id);
      subscription.refused(reason, 'The key may not see this topic any more.');
    }
  }

  private refreshed(id: number): Refresh | undefined {
    const refresh = this.refreshes.get(id);
    this.refreshes.delete(id);
    return refresh;
  }

  private publication(message: PublicationMessage): void {
    const taking = [...this.subscriptions.values()].filter(({ topic }) => covers(topic, message.topic));
    const data = this.whole.of(
      message,
      taking.some(({ wantsPatches }) => wantsPatches),
    );
    for (const subscription of taking) subscription.publication(message, data);
  }

  private retry(code: number, reason: string): void {
    this.drop();
    this.socket = null;
    if (this.current === 'closed') return;
    if (finalCodes.has(code) || (tokenCodes.has(code) && typeof this.token !== 'function')) {
      this.setState('closed', { code, reason });
      return;
    }
    const retryInMs = (code === restartCode ? askedDelay(reason) : null) ?? this.backoff.next();
    this.setState('waiting', { code, reason, retryInMs });
    this.timer = setTimeout(() => void this.connect(), retryInMs);
  }

  private sendPing(resolve: (ms: number) => void, reject: (error: Error) => void): void {
    this.pings.push({ sent: performance.now(), resolve, reject });
    this.send({ type: 'ping', timestamp: Date.now() });
  }

  private drop(): void {
    if (this.timer) clearTimeout(this.timer);
    if (this.heartbeat) clearInterval(this.heartbeat);
    this.timer = null;
    this.heartbeat = null;
    for (const ping of this.pings.splice(0)) ping.reject(new Error('connection lost'));
    for (const { reject } of this.refreshes.values()) reject(new Error('connection lost'));
    this.refreshes.clear();
  }

  private unsubscribe(subscription: { readonly id: number; readonly topic: string }): void {
    if (this.subscriptions.delete(subscription.id) && this.isOpen) {
      this.send({ type: 'unsubscribe', id: this.nextId++, topic: subscription.topic });
    }
  }

  private send(message: Record<string, unknown>): void {
    if (this.isOpen) this.socket?.send(JSON.stringify(message));
  }

  private setState(state: ClientState, detail: Parameters<NonNullable<ClientOptions['onState']>>[1]): void {
    this.current = state;
    this.options.onState?.(state, detail);
  }
}

/**
 * Asks the nodes of an installation, one after another, which of them has the fewest clients: the first that answers
 * decides. For {@link ClientOptions.url}.
 * @param nodes addresses of any nodes: `['http://a:8001', 'http://b:8001']`
 */
export function leastLoaded(
  nodes: readonly string[],
  options: { readonly token?: string; readonly timeoutMs?: number } = {},
): () => Promise<string> {
  let first = 0;
  return async () => {
    let failure: unknown;
    for (let i = 0; i < nodes.length; i++) {
      const at = (first + i) % nodes.length;
      try {
        const response = await fetch(new URL('/api/v1/ws/endpoint', nodes[at]), {
          headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
          signal: AbortSignal.timeout(options.timeoutMs ?? 2_000),
        });
        if (!response.ok) throw new Error(`${nodes[at]} answered ${response.status}`);
        first = at;
        return ((await response.json()) as { url: string }).url;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}

function streamUrl(given: string): string {
  const url = new URL(given);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/ws/stream';
  return url.href;
}

function covers(subscribed: string, topic: string): boolean {
  return subscribed === topic || (subscribed.endsWith('*') && topic.startsWith(subscribed.slice(0, -1)));
}

/** The server's own choice of moment: it spreads its clients over what the other nodes can take. */
function askedDelay(reason: string): number | null {
  try {
    const asked = (JSON.parse(reason) as { reconnect_after_ms?: unknown }).reconnect_after_ms;
    return typeof asked === 'number' && asked >= 0 && asked <= 600_000 ? asked : null;
  } catch {
    return null;
  }
}
