import type { ConnectionStatus } from '../observability/collection/sources.js';
import type { PartitionService } from './partitions/partition.service.js';
import { processNode } from './process-node.js';
import { ColumnTarget, type CopyColumn, jsonOrNull } from './writer/column-target.js';
import type { AppendResult } from './writer/row-target.js';
import { RowWriter, type RowWriterDeps } from './writer/row-writer.js';

export interface WebsocketMetric {
  /** Which process; see {@link processNode}. */
  readonly node: string;
  readonly metricType: string;
  readonly value: number;
  readonly tsMs: number;
  /** JSON text of an object. */
  readonly metadata: string | null;
}

const columns: readonly CopyColumn<WebsocketMetric>[] = [
  { name: 'node', write: (m, to) => to.text(m.node) },
  { name: 'metric_type', write: (m, to) => to.text(m.metricType) },
  { name: 'value', write: (m, to) => to.float8(m.value) },
  { name: '"timestamp"', write: (m, to) => to.timestamptz(m.tsMs) },
  { name: 'metadata', write: (m, to) => jsonOrNull(to, m.metadata) },
];

/** `websocket_metrics`: what the sockets of each process carry, kept for a week. */
export class WebsocketMetricWriter {
  private readonly writer: RowWriter<WebsocketMetric>;

  constructor(
    deps: Omit<RowWriterDeps<WebsocketMetric>, 'target' | 'onCommitted'>,
    partitions: PartitionService | null,
  ) {
    const bytes = (m: WebsocketMetric): number => 120 + (m.metadata?.length ?? 0);
    this.writer = new RowWriter({
      ...deps,
      target: new ColumnTarget('websocket_metrics', columns, partitions, bytes),
    });
  }

  /** @returns after the commit @throws Problem 503; the call can be repeated */
  append(metrics: readonly WebsocketMetric[]): Promise<AppendResult> {
    return this.writer.append(metrics);
  }

  stop(): Promise<void> {
    return this.writer.stop();
  }
}

/** One sample of all connections of this process. */
export function sampleConnections(
  connections: Iterable<ConnectionStatus>,
  tsMs: number,
  node = processNode,
): WebsocketMetric[] {
  let [count, topics, bytes, messages, worstLag] = [0, 0, 0, 0, 0];
  for (const c of connections) {
    count++;
    topics += c.topics;
    bytes += c.bytesQueued;
    messages += c.messagesQueued;
    worstLag = Math.max(worstLag, c.lagMs);
  }
  const of = (metricType: string, value: number): WebsocketMetric => ({
    node,
    metricType,
    value,
    tsMs,
    metadata: null,
  });
  return [
    of('connections', count),
    of('subscriptions', topics),
    of('queued_bytes', bytes),
    of('queued_messages', messages),
    of('worst_lag_ms', worstLag),
  ];
}
