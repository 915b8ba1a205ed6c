/** The WebSocket SDK: browser and Node, no dependency. */
export {
  type ClientOptions,
  type ClientState,
  leastLoaded,
  TidewatchClient,
  type WebSocketLike,
} from './client.js';
export type {
  AnalyticsSummary,
  LimitsSnapshot,
  LimitUpdate,
  Policy,
  Position,
  PriceUpdate,
  SnapshotData,
  TopicData,
} from './messages.js';
export type { Delivery, Gap, SubscribeOptions, Subscription } from './subscription.js';
