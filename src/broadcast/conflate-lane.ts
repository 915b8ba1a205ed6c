import { encode, type Outgoing } from './encode.js';
import { Lane, type LaneHost } from './lane.js';
import { mergePatch } from './merge-patch.js';
import { isLeftOut } from './overlap.js';
import type { Publication } from './publication.js';
import type { Encoding } from './receiver.js';
import type { Subscription, SubscriptionOptions } from './subscription.js';

/** The newest publication of a key on its way, with the text for receivers in step. */
interface Entry extends Outgoing {
  readonly publication: Publication;
}

/** Where a subscription stands that is not in step with the lane. */
interface Apart {
  /** It has everything up to this publication (in its snapshot). */
  readonly fromSeq: number;
  /** Offset of the last message it has, by topic, where that differs from what the lane has delivered. */
  readonly delivered: Map<string, number>;
  /** The newest per key that it was too slow to be given. */
  readonly held: Map<string, Publication>;
  /** The lane's `skippedInStep` when it fell out of step. */
  readonly skippedInStep: number;
}

/**
 * Keys that wait in a lane: beyond, they go out before their time. Keys that wait for a slow receiver: beyond, the oldest is
 * given up and named as skipped; a receiver for which more topics than that wait is closed.
 */
const maxKeysOfLane = 10_000;

/**
 * Policy `conflate`: the newest publication per key, at most every `everyMs`; what was left out is named in the next
 * message (`skipped`). Receivers in step share the bytes. One that is too slow, or that joined while something waited,
 * stands apart and is served by itself until it is in step again.
 */
export class ConflateLane extends Lane {
  private readonly pending = new Map<string, Publication>();
  /** Offset of the last message delivered to receivers in step, of the topics that wait. */
  private readonly delivered = new Map<string, number>();
  private readonly apart = new Map<Subscription, Apart>();
  private cooling: NodeJS.Timeout | null = null;
  private newestSeq = 0;
  /** Until then nothing is due: the interval that the subscribers asked for. */
  private coolUntilMs = 0;

  constructor(
    host: LaneHost,
    name: string,
    encoding: Encoding,
    options: SubscriptionOptions,
    private readonly maxKeys = maxKeysOfLane,
  ) {
    super(host, name, encoding, options, maxKeys);
  }

  accept(publication: Publication): void {
    this.newestSeq = publication.seq;
    if (!this.delivered.has(publication.topic)) {
      this.delivered.set(publication.topic, (publication.lostFrom ?? publication.offset) - 1);
    }
    const key = this.keyOf(publication);
    // What is replaced before it went out is read by nobody.
    this.pending.get(key)?.needNotRead();
    publication.keepReadable();
    this.pending.set(key, publication);
    if (this.pending.size > this.maxKeys) {
      this.host.shed('pause', this.pending.size);
      this.sealAll();
    } else if (this.cooling === null && !this.dirty) this.host.markDirty(this);
  }

  override add(subscription: Subscription): void {
    super.add(subscription);
    // Its snapshot has what waits here, of the topics that wait; of the others it has what everyone has.
    this.passOverPending(subscription);
  }

  settle(subscription: Subscription, bring: () => void): void {
    bring();
    const state = this.apart.get(subscription) ?? this.setApart(subscription, -1, new Map());
    for (const publication of inOrder(this.pending)) {
      const { topic, seq } = publication;
      if (seq <= state.fromSeq || isLeftOut(subscription, topic)) continue;
      if (!state.delivered.has(topic)) state.delivered.set(topic, this.delivered.get(topic)!);
      this.hold(state, publication);
    }
    this.catchUp(subscription, state);
    this.passOverPending(subscription);
  }

  override remove(subscription: Subscription): void {
    super.remove(subscription);
    this.apart.delete(subscription);
  }

  seal(): void {
    this.dirty = false;
    if (this.cooling !== null || this.pending.size === 0) return;
    this.sealAll();
    this.coolUntilMs = Date.now() + this.options.everyMs;
    this.cooling = setTimeout(() => {
      this.cooling = null;
      if (this.pending.size > 0 && !this.dirty) this.host.markDirty(this);
    }, this.options.everyMs);
  }

  protected override sealAll(): void {
    if (this.pending.size === 0) return;
    const waiting = inOrder(this.pending);
    this.pending.clear();
    this.submit(waiting);
  }

  protected override moveTo(topic: string): void {
    this.delivered.delete(topic);
    this.bases.delete(topic);
    for (const { delivered, held } of this.apart.values()) {
      delivered.delete(topic);
      for (const [key, publication] of held) if (publication.topic === topic) held.delete(key);
    }
  }

  onDrained(subscription: Subscription): void {
    const state = this.apart.get(subscription);
    if (state !== undefined && state.held.size > 0) this.catchUp(subscription, state);
  }

  dispose(): void {
    if (this.cooling !== null) clearTimeout(this.cooling);
    this.cooling = null;
    this.pending.clear();
    this.delivered.clear();
    this.apart.clear();
    this.bases.clear();
  }

  private submit(waiting: readonly Publication[]): void {
    const before = new Map<string, number>();
    let left = 0;
    const entries = waiting.map((publication): Entry => {
      const { topic, offset } = publication;
      const last = this.delivered.get(topic)!;
      if (!before.has(topic)) before.set(topic, last);
      this.delivered.set(topic, offset);
      left += offset - last - 1;
      return { publication, topic, offset, text: this.text(publication, last) };
    });
    // Nothing waits: the next message of a topic begins where this one ended.
    this.delivered.clear();
    this.skippedInStep += left;
    this.host.demanded(entries.length * this.size);
    if (left > 0) this.host.skipped(left * (this.size - this.apart.size));
    this.host.submit({
      lane: this,
      bytes: encode(entries, this.encoding, this.host),
      outgoing: entries,
      to: this.lend(),
      served: null,
      // Waiting as long as was asked for is no latency; what comes on top of it is.
      dueMs: Math.max(
        this.coolUntilMs,
        waiting.reduce((oldest, p) => Math.min(oldest, p.tsMs), Number.POSITIVE_INFINITY),
      ),
      serve: (subscription) => this.serve(subscription, entries, before, left),
      onBlocked: (subscription) => this.fallBehind(subscription, entries, before, left),
    });
  }

  private text(publication: Publication, last: number): string {
    const full = publication.text(last + 1);
    if (!this.options.delta) return full;
    const base = this.rebase(publication);
    if (base === undefined || base.offset !== last) return full;
    const patch = mergePatch(base.data, publication.data);
    if (patch === undefined) return full;
    const text = publication.patchText(base.offset, JSON.stringify(patch), last + 1);
    return text.length < full.length ? text : full;
  }

  /** One delivery for a subscription that is apart, or whose receiver has some of the topics by narrower ones. */
  private serve(
    subscription: Subscription,
    entries: readonly Entry[],
    before: ReadonlyMap<string, number>,
    left: number,
  ): void {
    const { receiver } = subscription;
    const state = this.apart.get(subscription);
    if (state !== undefined) {
      this.absorb(subscription, state, entries, before);
      if (!receiver.blocked) this.catchUp(subscription, state);
    } else if (receiver.blocked) {
      this.fallBehind(subscription, entries, before, left);
    } else {
      const own = ownEntries(entries, subscription);
      if (own.length > 0) receiver.deliver(encode(own, this.encoding, this.host), own.length, own);
    }
  }

  private fallBehind(
    subscription: Subscription,
    entries: readonly Entry[],
    before: ReadonlyMap<string, number>,
    left: number,
  ): void {
    const state = this.setApart(subscription, -1, new Map(), this.skippedInStep - left);
    this.absorb(subscription, state, entries, before);
    this.host.decided(subscription, 'held', entries.length);
  }

  private absorb(
    subscription: Subscription,
    state: Apart,
    entries: readonly Entry[],
    before: ReadonlyMap<string, number>,
  ): void {
    const own = subscription.overlaps === 0 ? entries : ownEntries(entries, subscription);
    for (const { publication } of own) {
      const { topic } = publication;
      if (publication.seq <= state.fromSeq) continue;
      if (!state.delivered.has(topic)) state.delivered.set(topic, before.get(topic)!);
      this.hold(state, publication);
    }
    if (state.delivered.size > this.maxKeys) subscription.receiver.giveUp();
  }

  /** Gives a subscription what it missed; from then on it is in step. */
  private catchUp(subscription: Subscription, state: Apart): void {
    this.apart.delete(subscription);
    subscription.apart = false;
    this.refresh(subscription);
    let left = 0;
    const messages = inOrder(state.held).map((publication): Outgoing => {
      const { topic, offset } = publication;
      const last = state.delivered.get(topic)!;
      state.delivered.set(topic, offset);
      left += offset - last - 1;
      return { topic, offset, text: publication.text(last + 1) };
    });
    subscription.skippedBefore += this.skippedInStep - state.skippedInStep;
    if (left > 0) {
      this.host.skipped(left);
      subscription.receiver.skipped += left;
    }
    if (state.fromSeq < 0) this.host.decided(subscription, 'caught_up', left);
    if (messages.length === 0) return;
    subscription.receiver.deliver(encode(messages, this.encoding, this.host), messages.length, messages);
  }

  /** What waits here is no news to this subscription. */
  private passOverPending(subscription: Subscription): void {
    if (this.pending.size === 0) return;
    const delivered = new Map<string, number>();
    for (const { topic, offset } of inOrder(this.pending)) delivered.set(topic, offset);
    this.setApart(subscription, this.newestSeq, delivered);
  }

  private setApart(
    subscription: Subscription,
    fromSeq: number,
    delivered: Map<string, number>,
    skippedInStep = this.skippedInStep,
  ): Apart {
    const state: Apart = { fromSeq, delivered, held: new Map(), skippedInStep };
    this.apart.set(subscription, state);
    subscription.apart = true;
    this.refresh(subscription);
    return state;
  }

  private hold({ held }: Apart, publication: Publication): void {
    const key = this.keyOf(publication);
    // Taken out first: what is given up is the one that has not changed for longest.
    held.delete(key);
    held.set(key, publication);
    if (held.size <= this.maxKeys) return;
    held.delete(held.keys().next().value!);
    this.host.shed('held_key', 1);
  }

  private keyOf(publication: Publication): string {
    const field = this.options.key;
    if (field === null) return publication.topic;
    const { data } = publication;
    const value =
      typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[field] : undefined;
    return `${publication.topic}\n${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
}

const inOrder = (waiting: ReadonlyMap<string, Publication>): Publication[] =>
  [...waiting.values()].sort((a, b) => a.seq - b.seq);

const ownEntries = (entries: readonly Entry[], subscription: Subscription): Entry[] =>
  entries.filter(({ topic }) => !isLeftOut(subscription, topic));
