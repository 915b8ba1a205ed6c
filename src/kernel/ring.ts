/** Copies `count` numbers of a ring, the oldest at `head`, to the start of `out`. @returns `count` */
export function copyRing(ring: Float64Array, head: number, count: number, out: Float64Array): number {
  const first = Math.min(count, ring.length - head);
  out.set(ring.subarray(head, head + first));
  out.set(ring.subarray(0, count - first), first);
  return count;
}
