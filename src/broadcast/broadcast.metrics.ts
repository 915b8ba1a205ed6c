import { Injectable } from '@nestjs/common';
import * as spec from '../observability/catalogue/broadcast.js';
import { type CounterHandle, type HistogramHandle, Metrics } from '../observability/metrics.js';
import type { HubStats } from './hub.js';
import type { Job } from './job.js';
import type { Shed } from './lane.js';
import { closeLabel } from './protocol/close-codes.js';
import type { Refusal } from './wire/handshake.js';

type HandshakeResult = (typeof spec.wsHandshakes.labels)['result'][number];

interface ClientState {
  readonly queuedBytes: number;
  readonly subscriptions: { readonly length: number };
}

/** What the gauges are read from at scrape time. */
interface ServerState {
  readonly connections: ReadonlyMap<number, ClientState>;
  readonly admission: { readonly limits: { readonly maxConnections: number } };
}

interface BrokerFigures {
  readonly state: 'ok' | 'degraded';
  readonly historyBytes: number;
  readonly historyEvicted: number;
  readonly unheard: number;
  readonly givenUp: { readonly topic: number; readonly new_topic: number };
}

const handshakeResult = ({ status, code }: Refusal): string => {
  if (code === 'DRAINING') return 'draining';
  if (code === 'TOO_MANY_CONNECTS') return 'rate_limited';
  if (code === 'TOO_MANY_CONNECTIONS') return 'over_capacity';
  return { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found' }[status] ?? 'bad_request';
};

/** The broadcast section of the catalogue, bound once. */
@Injectable()
export class BroadcastMetrics implements HubStats {
  readonly received: CounterHandle;
  readonly errors: CounterHandle;
  readonly slowClosed: CounterHandle;
  readonly ageSeconds: HistogramHandle;
  /** Messages handed to sockets since the start. */
  deliveredMessages = 0;
  onPublishFailure: (error: unknown) => void = () => {};
  /** Event-loop seconds of a handshake, recent ones weighing more; 0 before the first. */
  private handshakeCost = 0;
  private streams: () => Iterable<{ readonly client: ClientState }> = () => [];
  private readonly publications: CounterHandle;
  private readonly publishFailures: CounterHandle;
  private readonly demandedMessages: CounterHandle;
  private readonly deliveries: CounterHandle;
  private readonly deliveredBytes: CounterHandle;
  private readonly skippedMessages: CounterHandle;
  private readonly deliverySeconds: HistogramHandle;
  private readonly writeMessages: HistogramHandle;
  private readonly deflateIn: CounterHandle;
  private readonly deflateOut: CounterHandle;
  private readonly handshakeSeconds: HistogramHandle;

  constructor(private readonly metrics: Metrics) {
    this.received = metrics.counter(spec.wsReceived, {});
    this.errors = metrics.counter(spec.wsErrors, {});
    this.slowClosed = metrics.counter(spec.wsSlowClosed, {});
    this.ageSeconds = metrics.histogram(spec.wsAgeSeconds, {});
    this.publications = metrics.counter(spec.wsPublications, {});
    this.publishFailures = metrics.counter(spec.wsPublishFailures, {});
    this.demandedMessages = metrics.counter(spec.wsDemanded, {});
    this.deliveries = metrics.counter(spec.wsDeliveries, {});
    this.deliveredBytes = metrics.counter(spec.wsDeliveredBytes, {});
    this.skippedMessages = metrics.counter(spec.wsSkipped, {});
    this.deliverySeconds = metrics.histogram(spec.wsDeliverySeconds, {});
    this.writeMessages = metrics.histogram(spec.wsFlushMessages, {});
    this.deflateIn = metrics.counter(spec.wsDeflateBytes, { side: 'in' });
    this.deflateOut = metrics.counter(spec.wsDeflateBytes, { side: 'out' });
    this.handshakeSeconds = metrics.histogram(spec.wsHandshakeSeconds, {});
  }

  published(): void {
    this.publications.inc();
  }

  publishFailed(error: unknown): void {
    this.publishFailures.inc();
    this.onPublishFailure(error);
  }

  demanded(messages: number): void {
    if (messages > 0) this.demandedMessages.inc(messages);
  }

  delivered(job: Job): void {
    const messages = job.outgoing.length * job.to.size;
    if (messages === 0) return;
    const seconds = Math.max(0, Date.now() - job.dueMs) / 1000;
    this.deliveredMessages += messages;
    this.deliveries.inc(messages);
    this.deliveredBytes.inc(job.bytes.length * job.to.size);
    this.deliverySeconds.observe(seconds);
    this.writeMessages.observe(job.outgoing.length);
  }

  deflated(bytesIn: number, bytesOut: number): void {
    this.deflateIn.inc(bytesIn);
    this.deflateOut.inc(bytesOut);
  }

  shed(what: Shed, count: number): void {
    this.metrics.counter(spec.wsShed, { what }).inc(count);
  }

  skipped(count: number): void {
    this.skippedMessages.inc(count);
  }

  accepted(seconds: number): void {
    this.handshakeCost = this.handshakeCost === 0 ? seconds : this.handshakeCost * 0.99 + seconds * 0.01;
    this.handshakeSeconds.observe(seconds);
    this.metrics.counter(spec.wsHandshakes, { result: 'accepted' }).inc();
  }

  /** Handshakes per second that half of the event loop could take, at most `limit`. */
  handshakeCapacity(limit: number): number {
    if (this.handshakeCost === 0) return limit;
    return Math.round(Math.min(limit, 0.5 / this.handshakeCost));
  }

  refused(refusal: Refusal): void {
    this.metrics.counter(spec.wsHandshakes, { result: handshakeResult(refusal) as HandshakeResult }).inc();
  }

  closed(code: number): void {
    this.metrics.counter(spec.wsClosed, { code: closeLabel(code) }).inc();
  }

  /** Gauges over the table of connections, and over the event streams beside them. */
  watchServer(server: ServerState): void {
    const { connections } = server;
    const clients = () => [...connections.values(), ...Array.from(this.streams(), ({ client }) => client)];
    this.metrics.gauge(spec.wsConnectionLimit, {}).set(server.admission.limits.maxConnections);
    this.metrics.gaugeFrom(spec.wsConnections, { transport: 'websocket' }, () => connections.size);
    const over = (pick: (client: ClientState) => number) =>
      clients().reduce((total, client) => total + pick(client), 0);
    this.metrics.gaugeFrom(spec.wsQueuedBytes, {}, () => over((c) => c.queuedBytes));
    this.metrics.gaugeFrom(spec.wsSubscriptions, {}, () => over((c) => c.subscriptions.length));
    this.metrics.gaugeFrom(spec.wsQueuedBytesMax, {}, () => {
      return clients().reduce((max, { queuedBytes }) => Math.max(max, queuedBytes), 0);
    });
  }

  /** What the hub and its broker hold. */
  watchHub(hub: { readonly topics: number }, broker: BrokerFigures): void {
    this.metrics.gaugeFrom(spec.wsTopics, {}, () => hub.topics);
    this.metrics.gaugeFrom(spec.wsBrokerUp, {}, () => (broker.state === 'ok' ? 1 : 0));
    this.metrics.gaugeFrom(spec.wsHistoryBytes, {}, () => broker.historyBytes);
    const evicted = this.metrics.counter(spec.wsHistoryEvicted, {});
    const unheard = this.metrics.counter(spec.wsBrokerUnheard, {});
    const forgotten = this.metrics.counter(spec.wsShed, { what: 'topic' });
    const refused = this.metrics.counter(spec.wsShed, { what: 'new_topic' });
    let seen = { evicted: 0, unheard: 0, topic: 0, new_topic: 0 };
    this.metrics.beforeRead(() => {
      const now = { evicted: broker.historyEvicted, unheard: broker.unheard, ...broker.givenUp };
      forgotten.inc(now.topic - seen.topic);
      refused.inc(now.new_topic - seen.new_topic);
      evicted.inc(now.evicted - seen.evicted);
      unheard.inc(now.unheard - seen.unheard);
      seen = now;
    });
  }

  watchStreams(list: () => Iterable<{ readonly client: ClientState }>, count: () => number): void {
    this.streams = list;
    this.metrics.gaugeFrom(spec.wsConnections, { transport: 'sse' }, count);
  }
}
