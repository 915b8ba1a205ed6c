import type { Position, Publication } from '../publication.js';
import type { LossReason, TopicLog } from '../topic-log.js';

/** One message to publish. */
export interface Message {
  readonly topic: string;
  /** Anything that JSON can say. */
  readonly data: unknown;
  /** The same as JSON, where it is known already. */
  readonly json?: string;
}

/** Where a message landed, or why it could not be accepted. */
export interface Published extends Position {
  readonly topic: string;
}

export type RepositionReason =
  /** A topic of a followed family has begun. */
  | 'begun'
  /** The other nodes cannot be heard; what is published here goes on by itself. */
  | 'degraded'
  /** They can be heard again. */
  | 'recovered'
  /** The place that keeps the positions has lost them. */
  | 'restarted';

/** Who hears what is published, on this node and on others. */
export interface BrokerListener {
  /**
   * The next message of a topic, in the order of its offsets. Whoever will read it after the call says so
   * ({@link Publication.keepReadable}): the log may drop it meanwhile. The same holds for what a {@link TopicLog} gives.
   */
  onPublication(log: TopicLog, publication: Publication): void;
  /** Whether anyone here follows the topic: then its messages are kept for resuming. */
  isFollowed(topic: string): boolean;

  /**
   * The positions of a topic go on under another epoch: what clients hold is of no use any more.
   * @param lost messages of the topic known to be lost; `null` when that is not known
   */
  onReposition(log: TopicLog, reason: RepositionReason, lost: number | null): void;
}

/** Whether processes hear each other; a `memory` broker is always `ok`. */
export type BrokerState = 'ok' | 'degraded';

/** Topics forgotten before their time, and new ones refused, because as many as may be were known. */
export interface GivenUp {
  readonly topic: number;
  readonly new_topic: number;
}

/**
 * Orders, remembers and spreads publications. Gives each topic its offsets; the hub knows who is connected, the broker
 * how processes hear each other.
 */
export abstract class Broker {
  abstract readonly kind: 'memory' | 'redis';
  abstract readonly state: BrokerState;
  /** Memory of the messages that are remembered in this process. */
  abstract readonly historyBytes: number;
  /** Messages that no other node will hear of, because too many waited while Redis was away. */
  abstract readonly unheard: number;
  /** Messages given up before their age because the history was full. */
  abstract readonly historyEvicted: number;
  abstract readonly givenUp: GivenUp;
  /** Topics that the answer to the subscription of a family names. */
  abstract readonly maxFamilyTopics: number;

  /** Connects. Publications from before are not announced. */
  abstract start(listener: BrokerListener): Promise<void>;

  /**
   * Publishes in order; the listener is told of each. The answer is given at once where no other process is asked.
   * @throws Problem 503 when a message could not be accepted, or a topic beyond the number that may be known
   */
  abstract publish(messages: readonly Message[]): readonly Published[] | Promise<readonly Published[]>;

  /**
   * Passes a message of a topic over when nobody can miss it: nobody here or elsewhere follows the topic, or may resume it.
   * Positions that were told before it are not good for resuming any more.
   * @returns whether it was passed over; a topic that is not known yet has to begin
   */
  abstract passOver(topic: string): boolean;

  /**
   * The log of a topic at its present position, made if need be; kept up to date from then on.
   * @throws Problem 503 when all topics that may be known are followed
   */
  abstract open(topic: string): TopicLog | Promise<TopicLog>;

  /**
   * Makes the topics of a family that are known anywhere known here, at most {@link maxFamilyTopics}.
   * @returns how many there are beyond
   */
  abstract openFamily(family: string): number | Promise<number>;

  /** The log of a topic that is known here. */
  abstract get(topic: string): TopicLog | undefined;

  /** Topics that are known here. */
  abstract logs(): Iterable<TopicLog>;

  /**
   * Makes sure that the log's ring reaches back to a position, if that is still remembered anywhere.
   * @returns `undefined` when {@link TopicLog.after} may be asked now, or why the messages are gone
   */
  abstract reach(log: TopicLog, since: Position): LossReason | undefined | Promise<LossReason | undefined>;

  abstract stop(): Promise<void>;
}
