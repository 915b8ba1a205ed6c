import { z } from 'zod';
import {
  type CollectorContext,
  type ConnectionStatus,
  defineCollector,
  type MetricSpec,
  NoData,
} from '../../src/observability/collection/collector.js';
import * as m from './websocket.metrics.js';

const slowMs = 1_000;

export default defineCollector({
  manifest: {
    name: 'websocket',
    description:
      'How far behind the WebSocket clients are: lag, queues and subscriptions over all connections.',
    config: z.strictObject({}),
    metrics: m.metrics,
    intervalMs: 5_000,
    timeoutMs: 2_000,
    budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 25, samples: 20 },
    burst: { alerts: ['WebSocket*', 'SlowConsumer*'], intervalMs: 1_000 },
  },
  create: (context: CollectorContext) => ({
    async collect() {
      const connections = context.sources.get('connections');
      if (connections === undefined) throw new NoData('this process serves no WebSocket clients');
      report(context, connections());
    },
  }),
});

/** With no connection only the number of slow ones is known, 0; there is no lag of nobody. */
export function report(
  { metrics }: Pick<CollectorContext, 'metrics'>,
  connections: Iterable<ConnectionStatus>,
): void {
  const lags: number[] = [];
  const bytes: number[] = [];
  const messages: number[] = [];
  const topics: number[] = [];
  for (const connection of connections) {
    lags.push(connection.lagMs / 1000);
    bytes.push(connection.bytesQueued);
    messages.push(connection.messagesQueued);
    topics.push(connection.topics);
  }
  metrics.set(m.slowConnections, lags.filter((seconds) => seconds * 1000 > slowMs).length);
  const spread = (spec: MetricSpec<'statistic'>, values: number[]) => {
    const sorted = Float64Array.from(values).sort();
    metrics.set(spec, quantile(sorted, 0.5), { statistic: '0.5' });
    metrics.set(spec, quantile(sorted, 0.95), { statistic: '0.95' });
    metrics.set(spec, quantile(sorted, 1), { statistic: 'max' });
  };
  spread(m.lag, lags);
  spread(m.queuedBytes, bytes);
  spread(m.queuedMessages, messages);
  spread(m.subscriptions, topics);
}

/** Nearest rank; `null` of nothing. */
function quantile(sorted: Float64Array, q: number): number | null {
  return sorted.length === 0 ? null : (sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null);
}
