import { Injectable } from '@nestjs/common';
import * as spec from '../observability/catalogue/broadcast.js';
import { type CounterHandle, type HistogramHandle, Metrics } from '../observability/metrics.js';
import type { HubStats } from './hub.js';
import type { Job } from './job.js';
import { closeLabel } from './protocol/close-codes.js';
import type { Refusal } from './wire/handshake.js';

type HandshakeResult = (typeof spec.wsHandshakes.labels)['result'][number];

/** What the gauges are read from at scrape time. */
interface ServerState {
  readonly connections: ReadonlyMap<
    number,
    { readonly queuedBytes: number; readonly subscriptions: { readonly length: number } }
  >;
  readonly admission: { readonly limits: { readonly maxConnections: number } };
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

  publishFailed(): void {
    this.publishFailures.inc();
  }

  demanded(job: Job): void {
    const messages = job.messages * job.subscriptions.length;
    if (messages > 0) this.demandedMessages.inc(messages);
  }

  delivered(job: Job): void {
    const messages = job.messages * job.subscriptions.length;
    if (messages === 0) return;
    const seconds = Math.max(0, Date.now() - job.publishedMs) / 1000;
    this.deliveries.inc(messages);
    this.deliveredBytes.inc(job.bytes.length * job.subscriptions.length);
    this.deliverySeconds.observe(seconds);
    this.writeMessages.observe(job.messages);
  }

  deflated(bytesIn: number, bytesOut: number): void {
    this.deflateIn.inc(bytesIn);
    this.deflateOut.inc(bytesOut);
  }

  skipped(count: number): void {
    this.skippedMessages.inc(count);
  }

  accepted(seconds: number): void {
    this.handshakeSeconds.observe(seconds);
    this.metrics.counter(spec.wsHandshakes, { result: 'accepted' }).inc();
  }

  refused(refusal: Refusal): void {
    this.metrics.counter(spec.wsHandshakes, { result: handshakeResult(refusal) as HandshakeResult }).inc();
  }

  closed(code: number): void {
    this.metrics.counter(spec.wsClosed, { code: closeLabel(code) }).inc();
  }

  /** Gauges over the table of connections. */
  watchServer(server: ServerState): void {
    const { connections } = server;
    this.metrics.gauge(spec.wsConnectionLimit, {}).set(server.admission.limits.maxConnections);
    this.metrics.gaugeFrom(spec.wsConnections, { transport: 'websocket' }, () => connections.size);
    const over = (pick: (c: { queuedBytes: number; subscriptions: { length: number } }) => number) => {
      let total = 0;
      for (const connection of connections.values()) total += pick(connection);
      return total;
    };
    this.metrics.gaugeFrom(spec.wsQueuedBytes, {}, () => over((c) => c.queuedBytes));
    this.metrics.gaugeFrom(spec.wsSubscriptions, {}, () => over((c) => c.subscriptions.length));
    this.metrics.gaugeFrom(spec.wsQueuedBytesMax, {}, () => {
      let max = 0;
      for (const { queuedBytes } of connections.values()) max = Math.max(max, queuedBytes);
      return max;
    });
  }

  /** Gauges over what the hub and its broker hold. */
  watchHub(hub: { readonly topics: number }, read: { up(): boolean; historyBytes(): number }): void {
    this.metrics.gaugeFrom(spec.wsTopics, {}, () => hub.topics);
    this.metrics.gaugeFrom(spec.wsBrokerUp, {}, () => (read.up() ? 1 : 0));
    this.metrics.gaugeFrom(spec.wsHistoryBytes, {}, () => read.historyBytes());
  }
}
