import type { Receiver } from './receiver.js';
import type { Subscription } from './subscription.js';

/** What operators see of a client, whichever way it is connected. */
export interface Client extends Receiver {
  readonly id: number;
  readonly transport: 'websocket' | 'sse';
  readonly path: string;
  readonly address: string;
  readonly connectedMs: number;
  readonly compression: boolean;
  /** Messages and bytes that wait in this process. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** When the first byte that waits began to wait, Unix ms; 0 while nothing does. */
  readonly waitingSinceMs: number;
}

/** How long the oldest byte has waited; 0 while nothing waits. */
export const lagMs = ({ waitingSinceMs }: Client, nowMs: number): number =>
  waitingSinceMs === 0 ? 0 : nowMs - waitingSinceMs;

/** What conflation left out, whether the receiver was in step or not. */
function droppedFor(receiver: Receiver): number {
  return receiver.subscriptions.reduce(
    (total, { lane, skippedBefore, apart }) => total + (apart ? 0 : lane.skippedInStep - skippedBefore),
    receiver.skipped,
  );
}

const subscriptionView = ({ topic, lane, apart }: Subscription) => ({
  topic,
  policy: lane.options.policy,
  every_ms: lane.options.policy === 'conflate' ? lane.options.everyMs : null,
  delta: lane.options.delta,
  in_step: !apart,
});

/** @param key id of its API key; `null` while it has shown none */
export const clientView = (client: Client, key: string | null, nowMs: number) => ({
  id: client.id,
  transport: client.transport,
  path: client.path,
  address: client.address,
  key,
  connected_at: new Date(client.connectedMs).toISOString(),
  compression: client.compression,
  topics: client.subscriptions.map(subscriptionView),
  lag_messages: client.queuedMessages,
  lag_ms: lagMs(client, nowMs),
  bytes_queued: client.queuedBytes,
  dropped: droppedFor(client),
});
