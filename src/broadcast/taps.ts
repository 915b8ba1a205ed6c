import type { Audience } from './audience.js';
import type { Job } from './job.js';
import type { Decision } from './lane.js';
import type { Publication } from './publication.js';
import type { Receiver } from './receiver.js';
import type { Subscription } from './subscription.js';

/** What somebody who looks on at a topic sees. */
export type TapEvent =
  | {
      readonly event: 'published';
      readonly topic: string;
      readonly offset: number;
      readonly ts: number;
      readonly data: unknown;
      /** Who it goes to, by policy. */
      readonly lanes: readonly {
        readonly name: string;
        readonly policy: string;
        readonly every_ms: number;
        readonly encoding: string;
        readonly subscribers: number;
      }[];
    }
  | {
      readonly event: 'delivered';
      readonly name: string;
      readonly policy: string;
      readonly messages: number;
      readonly bytes: number;
      readonly subscribers: number;
      /** From the oldest publication in it to its last byte at the last socket. */
      readonly latency_ms: number;
    }
  | {
      readonly event: Decision;
      readonly name: string;
      readonly connection: string;
      readonly messages: number;
    };

type TapListener = (event: TapEvent) => void;

/** Whoever looks on. Costs nothing while nobody does. */
export class Taps {
  private readonly listeners = new Map<TapListener, string>();

  get size(): number {
    return this.listeners.size;
  }

  /** @param topic a topic, or a family with its trailing `*` @returns a function that ends it */
  add(topic: string, listener: TapListener): () => void {
    this.listeners.set(listener, topic);
    return () => this.listeners.delete(listener);
  }

  /** Whether somebody looks on at a topic. */
  watch(name: string): boolean {
    for (const topic of this.listeners.values()) if (touches(topic, name)) return true;
    return false;
  }

  published(publication: Publication, audiences: readonly Audience[]): void {
    const { topic, offset, tsMs, data } = publication;
    this.tell(topic, () => ({
      event: 'published',
      topic,
      offset,
      ts: tsMs,
      data,
      lanes: audiences.flatMap(({ list }) =>
        list.map(({ name, options, encoding, size }) => ({
          name,
          policy: options.policy,
          every_ms: options.everyMs,
          encoding,
          subscribers: size,
        })),
      ),
    }));
  }

  delivered({ lane, outgoing, bytes, to, dueMs }: Job): void {
    this.tell(lane.name, () => ({
      event: 'delivered',
      name: lane.name,
      policy: lane.options.policy,
      messages: outgoing.length,
      bytes: bytes.length,
      subscribers: to.size,
      latency_ms: Math.max(0, Date.now() - dueMs),
    }));
  }

  decided({ lane, receiver }: Subscription, decision: Decision, messages: number): void {
    this.tell(lane.name, () => ({
      event: decision,
      name: lane.name,
      connection: nameOf(receiver),
      messages,
    }));
  }

  private tell(name: string, make: () => TapEvent): void {
    let event: TapEvent | undefined;
    for (const [listener, topic] of this.listeners) {
      if (!touches(topic, name)) continue;
      event ??= make();
      listener(event);
    }
  }
}

const nameOf = (receiver: Receiver): string => String((receiver as { id?: unknown }).id ?? 'event stream');

/** Whether two topics or families have a topic in common. */
function touches(a: string, b: string): boolean {
  if (a === b) return true;
  const within = (family: string, name: string) =>
    family.endsWith('.*') && name.startsWith(family.slice(0, -1));
  return within(a, b) || within(b, a);
}
