import type {
  Policy,
  Position,
  PositionMessage,
  PublicationMessage,
  SnapshotData,
  SubscribedMessage,
  TopicData,
} from './messages.js';
import type { WholeData } from './whole-data.js';

/** Beside the data: where it stands and how it came. */
export interface Delivery {
  readonly topic: string;
  readonly offset: number;
  /** Server time of the publication, Unix ms. */
  readonly ts: number;
  /** Offsets that the subscription's policy left out just before this message. */
  readonly skipped: { readonly from: number; readonly to: number } | null;
}

/** Messages that are gone: the state built from the stream so far has to be fetched anew. */
export interface Gap {
  readonly topic: string;
  /** `epoch_changed`, `history_lost`, … as the server names it; `hole` when offsets were not contiguous. */
  readonly reason: string;
  readonly from: number | null;
  readonly to: number | null;
}

/** Characters of the positions in one request: the server takes messages of a bounded size. */
const maxSinceChars = 512 * 1024;

export interface SubscribeOptions<T, S = T> {
  /** `all`: every message, or the connection is closed with 3008 and resumed. `conflate`: the newest, at a rate. */
  readonly policy?: Policy;
  /** Least time between two messages of `conflate`, ms. */
  readonly everyMs?: number;
  /** Top-level field of the data by whose value `conflate` keeps the newest. */
  readonly key?: string;
  /** Ask for merge patches where they are smaller; `onMessage` still gets whole data. */
  readonly delta?: boolean;
  readonly onMessage: (data: T, delivery: Delivery) => void;
  /** The topic's last value at the time of subscribing (for a family: one call per topic). */
  readonly onSnapshot?: (data: S, topic: string) => void;
  readonly onGap?: (gap: Gap) => void;
  /** The server refused the subscription, or ended it because a new key may not see it. It is not tried again. */
  readonly onError?: (code: string, message: string) => void;
}

/** One topic (or family, with a trailing `*`) that the client keeps subscribed over reconnects. */
export class Subscription<Topic extends string = string> {
  private readonly positions = new Map<string, { epoch: string; offset: number }>();
  /** Whether the server has answered before: what is not known here since then was missed. */
  private isResumed = false;

  /** @internal Made by `TidewatchClient.subscribe`. */
  constructor(
    readonly id: number,
    readonly topic: Topic,
    private readonly options: SubscribeOptions<TopicData<Topic>, SnapshotData<Topic>>,
    private readonly whole: WholeData,
    private readonly leave: (subscription: Subscription<Topic>) => void,
  ) {}

  /** Where the topic stands; `null` before the first answer, and for a family, which has a position per topic. */
  get position(): Position | null {
    return this.positions.get(this.topic) ?? null;
  }

  /** @internal Whether patches were asked for. */
  get wantsPatches(): boolean {
    return this.options.delta === true;
  }

  unsubscribe(): void {
    this.leave(this);
  }

  /** @internal The message that (re)subscribes. */
  request(): Record<string, unknown> {
    const { policy = 'all', everyMs, key, delta } = this.options;
    const message: Record<string, unknown> = { type: 'subscribe', id: this.id, topic: this.topic, policy };
    if (everyMs !== undefined) message.every_ms = everyMs;
    if (key !== undefined) message.key = key;
    if (delta) message.delta = true;
    if (this.topic.endsWith('*')) {
      // A topic that appeared after subscribing has no epoch here: it cannot be resumed, and the answer will say so.
      const known = [...this.positions].filter(([, { epoch }]) => epoch !== '');
      if (known.length > 0) message.since = fitting(known);
    } else {
      const since = this.positions.get(this.topic);
      if (since) message.since = since;
    }
    return message;
  }

  /** @internal */
  subscribed(message: SubscribedMessage): void {
    if (message.topics !== undefined) {
      const snapshot = (message.snapshot ?? {}) as Readonly<Record<string, unknown>>;
      for (const state of message.topics) this.joined(state, snapshot[state.topic]);
      // The server names a bounded number of topics: what was missed of the others is not known.
      if (message.topics_left_out && this.isResumed) {
        this.options.onGap?.({ topic: this.topic, reason: 'too_many_topics', from: null, to: null });
      }
    } else if (message.epoch !== undefined && message.offset !== undefined) {
      const { topic, epoch, offset, recovered = false, reason } = message;
      this.joined({ topic, epoch, offset, recovered, reason }, message.snapshot);
    }
    this.isResumed = true;
  }

  /** @internal */
  repositioned(message: PositionMessage): void {
    this.positions.set(message.topic, { epoch: message.epoch, offset: message.offset });
    if (message.lost !== 0)
      this.options.onGap?.({ topic: message.topic, reason: message.reason, from: null, to: null });
  }

  /** @internal @param data whole; `undefined` when a patch could not be applied */
  publication(message: PublicationMessage, data: unknown): void {
    const known = this.positions.get(message.topic);
    if (known && message.offset <= known.offset) return; // seen before the connection was lost
    const from = message.skipped?.from ?? message.offset;
    if (known && from > known.offset + 1) {
      this.options.onGap?.({ topic: message.topic, reason: 'hole', from: known.offset + 1, to: from - 1 });
    }
    if (data === undefined) {
      const { topic, offset } = message;
      this.options.onGap?.({ topic, reason: 'patch_without_base', from: offset, to: offset });
      return;
    }
    if (known) known.offset = message.offset;
    else this.positions.set(message.topic, { epoch: '', offset: message.offset });
    this.options.onMessage(data as TopicData<Topic>, {
      topic: message.topic,
      offset: message.offset,
      ts: message.ts,
      skipped: message.skipped ?? null,
    });
  }

  /** @internal */
  refused(code: string, message: string): void {
    this.options.onError?.(code, message);
  }

  private joined(
    state: { topic: string; epoch: string; offset: number; recovered: boolean; reason?: string },
    snapshot: unknown,
  ): void {
    const { topic, epoch, offset } = state;
    const before = this.positions.get(topic);
    if (this.wantsPatches && snapshot != null) this.whole.remember(topic, offset, snapshot);
    // What was missed follows as messages, in order, from where this side stands; or there was nothing to miss.
    const isThere = before?.epoch === epoch && before.offset === offset;
    if (before !== undefined && (state.recovered || isThere)) return;
    // A topic of a family that is not known here has begun while this side was away.
    const from = before === undefined ? 1 : before.epoch === epoch ? before.offset + 1 : null;
    if (before !== undefined || (this.isResumed && offset > 0)) {
      this.options.onGap?.({ topic, reason: state.reason ?? 'unknown', from, to: offset });
    }
    this.positions.set(topic, { epoch, offset });
    if (snapshot === undefined || snapshot === null) return;
    this.options.onSnapshot?.(snapshot as SnapshotData<Topic>, topic);
  }
}

/** As many as fit, by topic; of the others the answer will say that they cannot be resumed. */
function fitting(positions: readonly (readonly [string, Position])[]): Record<string, Position> {
  const since: Record<string, Position> = {};
  let chars = 0;
  for (const [topic, position] of positions) {
    chars += JSON.stringify(topic).length + JSON.stringify(position).length + 2;
    if (chars > maxSinceChars) break;
    since[topic] = position;
  }
  return since;
}
