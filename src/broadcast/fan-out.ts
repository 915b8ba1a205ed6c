import { performance } from 'node:perf_hooks';
import type { Job } from './job.js';
import type { Receiver } from './receiver.js';
import type { Subscription } from './subscription.js';
import { fastWriter } from './wire/socket-writer.js';

/** How long a slice runs before pings, new connections and everything else get a turn, ms: while there is any of that… */
const shortestSliceMs = 0.5;
/** … and while there is not: a turn of the event loop costs about as much as three writes. */
const longestSliceMs = 2;
/** Receivers served between two looks at the clock: 0.1 to 0.3 ms. */
const stride = 16;

/** Told what went out, for the metrics; called once per job. */
export interface FanOutStats {
  delivered(job: Job): void;
}

/** What the event loop has been given to do from outside. Without this (Node before 20.18) it counts as always busy. */
const loopEvents = (): number => performance.nodeTiming.uvMetricsInfo?.events ?? Number.NaN;

/**
 * Carries jobs to their receivers in slices of about a millisecond with a turn of the event loop between them. Jobs
 * that are there together make a round: each receiver gets all that is for it in one write. The next round starts when
 * the one before has ended, which keeps the order of every topic.
 */
export class FanOut {
  private queue: Job[] = [];
  private round: Job[] = [];
  private jobAt = 0;
  private at = 0;
  private touched: Receiver[] = [];
  private continuing = false;
  private sliceMs = shortestSliceMs;
  private eventsSeen = 0;
  /** Time spent writing since the caller last looked, ms. */
  spentMs = 0;

  constructor(
    private readonly stats: FanOutStats,
    private readonly onIdle: () => void,
    private readonly nowMs: () => number,
    private readonly events: () => number = loopEvents,
  ) {}

  get busy(): boolean {
    return this.round.length > 0;
  }

  get queued(): number {
    return this.queue.length;
  }

  add(job: Job): void {
    this.queue.push(job);
  }

  /** Starts on what was added, unless a round is under way (which will go on with it). */
  run(): void {
    if (!this.continuing) this.slice();
  }

  /** Gives one subscription, ahead of its turn, all that is on its way to it. */
  bring(subscription: Subscription): void {
    const underWay = this.round.slice(this.jobAt);
    for (const job of [...underWay, ...this.queue]) {
      const from = job === underWay[0] ? this.at : 0;
      if (job.lane !== subscription.lane || subscription.index < from || subscription.index >= job.to.end)
        continue;
      serve(job, subscription);
      job.served ??= new Set();
      job.served.add(subscription);
    }
  }

  private readonly slice = (): void => {
    this.continuing = false;
    const events = this.events();
    this.sliceMs = events === this.eventsSeen ? Math.min(this.sliceMs * 2, longestSliceMs) : shortestSliceMs;
    this.eventsSeen = events;
    const started = this.nowMs();
    const until = started + this.sliceMs;
    let done = this.advance(until);
    while (done && this.queue.length > 0) {
      this.begin();
      done = this.advance(until);
    }
    this.spentMs += this.nowMs() - started;
    if (done) {
      this.onIdle();
      return;
    }
    this.continuing = true;
    setImmediate(this.slice);
  };

  private begin(): void {
    this.round = this.queue;
    this.queue = [];
    this.jobAt = 0;
    this.at = 0;
  }

  /** @returns true when the round has ended */
  private advance(until: number): boolean {
    const single = this.round.length === 1;
    while (this.jobAt < this.round.length) {
      const job = this.round[this.jobAt]!;
      const finished = single ? this.writeSome(job, until) : this.gatherSome(job, until);
      if (!finished) return false;
      this.stats.delivered(job);
      job.lane.giveBack();
      this.jobAt++;
      this.at = 0;
    }
    if (!single && !this.flushSome(until)) return false;
    this.round = [];
    return true;
  }

  /** One job alone: its bytes go straight to the sockets. */
  private writeSome(job: Job, until: number): boolean {
    const { list, slots, end } = job.to;
    const messages = job.outgoing.length;
    let i = this.at;
    while (i < end) {
      const stop = Math.min(i + stride, end);
      while (i < stop) {
        if (fastWriter !== undefined && job.served === null)
          i = fastWriter.writeEach(slots, i, stop, job.bytes, messages);
        if (i < stop) serve(job, list[i++]!);
      }
      if (i < end && this.nowMs() >= until) {
        this.at = i;
        return false;
      }
    }
    return true;
  }

  /** Several jobs: each receiver collects first. */
  private gatherSome(job: Job, until: number): boolean {
    const { bytes, outgoing, onBlocked } = job;
    const { list, end } = job.to;
    const messages = outgoing.length;
    let i = this.at;
    while (i < end) {
      const stop = Math.min(i + stride * 8, end);
      for (; i < stop; i++) {
        const subscription = list[i]!;
        if (!subscription.active || job.served?.has(subscription)) continue;
        if (subscription.apart || subscription.overlaps !== 0) {
          job.serve(subscription);
          continue;
        }
        const { receiver } = subscription;
        if (onBlocked !== null && receiver.blocked) onBlocked(subscription);
        else if (receiver.gather(bytes, messages, outgoing)) this.touched.push(receiver);
      }
      if (i < end && this.nowMs() >= until) {
        this.at = i;
        return false;
      }
    }
    return true;
  }

  private flushSome(until: number): boolean {
    const { touched } = this;
    let i = this.at;
    while (i < touched.length) {
      const stop = Math.min(i + stride, touched.length);
      for (; i < stop; i++) touched[i]!.flushGathered();
      if (i < touched.length && this.nowMs() >= until) {
        this.at = i;
        return false;
      }
    }
    this.touched = [];
    return true;
  }
}

/** One subscription that is not, or not now, written to without a look at it. */
function serve(job: Job, subscription: Subscription): void {
  if (!subscription.active || job.served?.has(subscription)) return;
  if (subscription.apart || subscription.overlaps !== 0) {
    job.serve(subscription);
    return;
  }
  const { receiver } = subscription;
  if (job.onBlocked !== null && receiver.blocked) job.onBlocked(subscription);
  else receiver.deliver(job.bytes, job.outgoing.length, job.outgoing);
}
