import type { Position } from '../publication.js';
import type { TopicLog } from '../topic-log.js';
import type { Line } from './redis-scripts.js';

/** Lines kept while a topic is not in step; beyond, the history is asked instead. */
const maxHeld = 10_000;
/** Longest time from asking for a topic to following it: two commands. */
const joiningMs = 4_000;

/** What this process knows of one topic that Redis keeps. */
export class Mirror {
  /** Lines that arrived ahead of others, or while the topic was not live. */
  held: Line[] = [];
  loading: Promise<TopicLog> | null = null;
  filling: NodeJS.Timeout | null = null;
  /** When it was last asked for by someone who is about to follow it. */
  askedMs = 0;
  /** When Redis was last told that it is followed. */
  keptMs = 0;
  /** Older history on its way from Redis, from that offset. */
  reaching: { readonly from: number; done: Promise<void> } | null = null;
  /** `alone`: where Redis stood when it was last heard; `null` when it was never. */
  remote: Position | null = null;
  /** `alone`: messages of others that are gone; `null` when that is not known. */
  lost: number | null = null;

  constructor(
    readonly log: TopicLog,
    /**
     * `loading`: its position is being asked for. `live`: in step with Redis. `alone`: Redis is away, and something was
     * published here under a local epoch.
     */
    public state: 'loading' | 'live' | 'alone',
  ) {}

  /** Somebody waits for it, or will follow it in a moment. */
  isAwaited(nowMs: number): boolean {
    return this.loading !== null || this.reaching !== null || nowMs - this.askedMs < joiningMs;
  }

  hold(line: Line): void {
    this.held.push(line);
    if (this.held.length > maxHeld) this.held = this.held.slice(-maxHeld);
  }

  takeHeld(): Line[] {
    const lines = this.held.sort((a, b) => a.offset - b.offset);
    this.held = [];
    return lines;
  }

  goAlone(): void {
    this.remote = this.state === 'live' ? this.log.position : null;
    this.lost = null;
    this.held = [];
    this.state = 'alone';
  }
}
