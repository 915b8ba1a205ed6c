/** CPU time of this thread, ns: what other threads and processes do does not count. */
export function threadCpuNs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1_000;
}

/**
 * CPU time of this process, ns. Exact to the microsecond where that of a thread advances with the kernel's ticks (4 ms); for
 * work in short slices while no other thread has any.
 */
export function processCpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** `q` of an unsorted list, by rank. */
export function percentile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0
    ? Number.NaN
    : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

/** The walk of the C++ reference: the same numbers, so that the results can be compared too. */
export function referenceWalk(length: number): Float64Array {
  const out = new Float64Array(length);
  let state = 987_654_321;
  let price = 100;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    price *= 1 + 0.001 * (state / 4_294_967_296 - 0.5);
    out[i] = price;
  }
  return out;
}

export const row = (name: string, ...cells: string[]): void =>
  console.log(name.padEnd(58) + cells.map((cell) => cell.padStart(14)).join(''));
