/** Copies `count` numbers of a ring, the oldest at `head`, to the start of `out`. @returns `count` */
export function copyRing(ring: Float64Array, head: number, count: number, out: Float64Array): number {
  const first = Math.min(count, ring.length - head);
  out.set(ring.subarray(head, head + first));
  out.set(ring.subarray(0, count - first), first);
  return count;
}

/**
 * Slots of a ring that have become too few: eight times as many while there are only as many as it began with, later twice. A
 * window that has filled its first slots would soon grow again, and thousands of young ones cost most of the moving.
 * @param first the fewest that it began with
 */
export const grown = (slots: number, first: number): number => slots * (slots < 2 * first ? 8 : 2);

/**
 * `length` zeros in memory that V8 does not count: with that of ordinary arrays it marks the whole heap each time they have
 * grown by 64 MB, and ten thousand windows that fill would keep it at that. Whoever holds many bounds them himself.
 */
export const doubles = (length: number): Float64Array =>
  new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
