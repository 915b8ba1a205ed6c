import { encode, type Outgoing } from './encode.js';
import { Lane } from './lane.js';
import { mergePatch } from './merge-patch.js';
import { isLeftOut } from './overlap.js';
import type { Publication } from './publication.js';
import type { Subscription } from './subscription.js';

interface Entry extends Outgoing {
  readonly publication: Publication;
}

/** Bytes that one job carries at most, so that a burst is bounded before it is queued. */
const maxJobChars = 128 * 1024;

/** Policy `all`: every publication, in order. */
export class LiveLane extends Lane {
  private pending: Entry[] = [];

  accept(publication: Publication): void {
    const { topic, offset } = publication;
    const text = this.options.delta ? this.delta(publication) : publication.text();
    this.pending.push({ publication, topic, offset, text });
    this.host.demanded(this.size);
    if (!this.dirty) this.host.markDirty(this);
  }

  override add(subscription: Subscription): void {
    // What is pending was published before: it is in the snapshot, and must not come again.
    if (this.pending.length > 0) this.seal();
    super.add(subscription);
  }

  seal(): void {
    this.dirty = false;
    const entries = this.pending;
    if (entries.length === 0) return;
    this.pending = [];
    let from = 0;
    let chars = 0;
    for (let i = 0; i < entries.length; i++) {
      const size = entries[i]!.text.length;
      if (chars > 0 && chars + size > maxJobChars) {
        this.submit(entries.slice(from, i));
        from = i;
        chars = 0;
      }
      chars += size;
    }
    this.submit(from === 0 ? entries : entries.slice(from));
  }

  protected override sealAll(): void {
    this.seal();
  }

  protected override moveTo(topic: string): void {
    this.bases.delete(topic);
  }

  settle(_subscription: Subscription, bring: () => void): void {
    this.seal();
    bring();
  }

  onDrained(): void {
    // Nothing is left out in this lane: a receiver that cannot keep up is closed.
  }

  dispose(): void {
    this.pending = [];
    this.bases.clear();
  }

  private submit(entries: readonly Entry[]): void {
    this.host.submit({
      lane: this,
      bytes: encode(entries, this.encoding, this.host),
      outgoing: entries,
      to: this.lend(),
      served: null,
      dueMs: entries[0]!.publication.tsMs,
      serve: (subscription) => this.serve(entries, subscription),
      onBlocked: null,
    });
  }

  /** A subscription whose receiver has some of the topics by narrower subscriptions. */
  private serve(entries: readonly Entry[], subscription: Subscription): void {
    const own = entries.filter(({ topic }) => !isLeftOut(subscription, topic));
    if (own.length > 0) subscription.receiver.deliver(encode(own, this.encoding, this.host), own.length, own);
  }

  private delta(publication: Publication): string {
    const base = this.rebase(publication);
    const full = publication.text();
    if (base === undefined || base.offset !== publication.offset - 1) return full;
    const patch = mergePatch(base.data, publication.data);
    if (patch === undefined) return full;
    const text = publication.patchText(base.offset, JSON.stringify(patch));
    return text.length < full.length ? text : full;
  }
}
