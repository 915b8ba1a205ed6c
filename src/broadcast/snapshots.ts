import type { Joined, Present } from './joined.js';
import { carriesChanges, isCostlyToAsk } from './protocol/topics.js';
import { Publication } from './publication.js';
import type { TopicLog } from './topic-log.js';

/** A topic that a new subscription is answered for. */
export interface Asked {
  readonly log: TopicLog;
  /** One of a family’s, and the client did not name it. */
  readonly oneOfMany: boolean;
}

/** Times that values are asked for again because the topic has gone on meanwhile. */
const maxRounds = 3;

/**
 * What topics stand at when a subscription begins: their last message, or their present value where that says more. To be
 * asked for a present value, an owner first does what waits, which may publish, on any topic. So all are asked before the
 * subscription begins, and before a message is taken out of a topic’s log: what is published later is no part of the answer
 * and could take the place of what is.
 */
export class Snapshots {
  private readonly present = new Map<TopicLog, { readonly offset: number; readonly present: Present }>();

  constructor(private readonly currentValue: (topic: string) => Present) {}

  gather(topics: readonly Asked[]): this {
    for (let round = 0; round < maxRounds; round++) {
      let asked = 0;
      for (const topic of topics) {
        const { log } = topic;
        if (!isToBeAsked(topic) || this.present.get(log)?.offset === log.offset) continue;
        const present = this.currentValue(log.name);
        this.present.set(log, { offset: log.offset, present });
        asked++;
      }
      if (asked === 0) break;
    }
    return this;
  }

  of(topic: Asked): Pick<Joined, 'last' | 'emptyReason'> {
    const { log } = topic;
    const { last: newest } = log;
    if (isTooCostly(topic)) return { last: null, emptyReason: 'too_much' };
    if (!isToBeAsked(topic)) return { last: newest, emptyReason: undefined };
    // It has begun meanwhile, without a message.
    const present = this.present.get(log)?.present ?? { reason: 'nothing_published' };
    if ('reason' in present) {
      const reason = log.offset > 0 ? 'forgotten' : present.reason;
      return { last: newest, emptyReason: newest === null ? reason : undefined };
    }
    const last = Publication.of(log.name, log.prefix, log.offset, Date.now(), present.value);
    return { last, emptyReason: undefined };
  }
}

const isTooCostly = ({ log, oneOfMany }: Asked): boolean => log.stale && oneOfMany && isCostlyToAsk(log.name);

const isToBeAsked = (topic: Asked): boolean =>
  !isTooCostly(topic) && (topic.log.last === null || topic.log.stale || carriesChanges(topic.log.name));
