import { performance } from 'node:perf_hooks';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Config } from '../config/config.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { RedisProvider } from '../store/redis.provider.js';
import { MovePace, planMove, returnWindowMs } from './balance.js';
import { BroadcastMetrics } from './broadcast.metrics.js';
import { Broker } from './broker/broker.js';
import { RedisBroker } from './broker/redis.broker.js';
import { namespaceOf } from './broker/redis-keys.js';
import { Drain } from './drain.js';
import { lonelyStore, NodeRegistry, type NodeStatus, RedisNodeStore } from './node-registry.js';
import { WsServer } from './ws-server.js';

const streamPath = '/ws/stream';

/** This process among the others: says how it is, and gives clients away when it has too many. */
@Injectable()
export class NodesService implements OnApplicationBootstrap {
  readonly registry: NodeRegistry;
  private readonly startedMs = Date.now();
  private readonly log: ModuleLogger;
  private loop = performance.eventLoopUtilization();
  private loopShare = 0;
  private deliveries = 0;
  private deliveriesPerSecond = 0;
  private sampledMs = performance.now();
  private readonly pace = new MovePace();

  constructor(
    private readonly config: Config,
    private readonly lifecycle: Lifecycle,
    logger: Logger,
    redis: RedisProvider,
    broker: Broker,
    private readonly server: WsServer,
    private readonly drain: Drain,
    private readonly metrics: BroadcastMetrics,
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
  ) {
    this.log = logger.child('broadcast');
    const store =
      broker instanceof RedisBroker && redis.url !== null
        ? new RedisNodeStore(() => broker.redis, namespaceOf(redis.url))
        : lonelyStore;
    this.registry = new NodeRegistry(
      store,
      (id) => this.status(id),
      (nodes) => this.balance(nodes),
    );
    lifecycle.onShutdown('stop-intake', 'node registry', () => this.registry.leave());
    lifecycle.onShutdown('drain-clients', 'WebSocket clients', () =>
      drain.everyone((clients) => returnWindowMs(clients, this.registry.id, this.registry.nodes)),
    );
  }

  onApplicationBootstrap(): void {
    this.registry.start();
  }

  private status(id: string): NodeStatus | null {
    const { url } = this;
    if (url === null) return null;
    this.sample();
    return {
      id,
      url,
      startedMs: this.startedMs,
      connections: this.server.connections.size,
      handshakesPerSecond: this.metrics.handshakeCapacity(this.config.get('WS_CONNECTS_PER_SECOND')),
      deliveriesPerSecond: this.deliveriesPerSecond,
      eventLoop: this.loopShare,
      atMs: Date.now(),
    };
  }

  /** Known once this process listens: the port may be any. */
  private get url(): string | null {
    const given = this.config.get('PUBLIC_URL');
    if (given !== undefined) return given.replace(/^http/, 'ws').replace(/\/$/, '') + streamPath;
    const host = this.config.get('HOST');
    const address: unknown = this.http.httpAdapter?.getHttpServer()?.address?.();
    if (typeof address !== 'object' || address === null || !('port' in address)) return null;
    const { port } = address;
    return `ws://${host.includes(':') ? `[${host}]` : host}:${port}${streamPath}`;
  }

  private sample(): void {
    const now = performance.now();
    const elapsedMs = now - this.sampledMs;
    if (elapsedMs < 500) return;
    const loop = performance.eventLoopUtilization();
    this.loopShare = performance.eventLoopUtilization(loop, this.loop).utilization;
    this.loop = loop;
    const { deliveredMessages } = this.metrics;
    this.deliveriesPerSecond = Math.round(((deliveredMessages - this.deliveries) / elapsedMs) * 1_000);
    this.deliveries = deliveredMessages;
    this.sampledMs = now;
  }

  private balance(nodes: readonly NodeStatus[]): void {
    const now = Date.now();
    if (this.lifecycle.isStopping || !this.pace.isDue(now)) return;
    const move = planMove(this.registry.id, nodes);
    if (move === undefined) {
      this.pace.settled();
      return;
    }
    // Map order is the order of connecting: the newest are at the end.
    const open = [...this.server.connections.values()].filter((connection) => connection.isOpen);
    const newest = open.slice(-move.clients).reverse();
    this.pace.begin(move, open.length, now);
    this.log.info({ clients: newest.length, window_ms: move.windowMs }, 'clients are asked to go elsewhere');
    void this.drain.sendAway(newest, move.windowMs, move.windowMs);
  }
}
