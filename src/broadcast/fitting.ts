import type { Joined } from './joined.js';

/** Characters of a message beside its data. */
const envelope = 128;

/**
 * What a receiver may have queued bounds the missed messages that it can be given at once; of a topic with more than is
 * left none are given, and its client is told to fetch instead.
 * @param maxChars for all topics together
 */
export function fitting(all: readonly Joined[], maxChars: number): Joined[] {
  let left = maxChars;
  return all.map((joined) => {
    const chars = joined.missed.reduce((total, { body }) => total + body.length + envelope, 0);
    if (chars > left) return { ...joined, recovered: false, reason: 'too_much_missed', missed: [] };
    left -= chars;
    return joined;
  });
}
