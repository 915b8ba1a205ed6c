/**
 * Aligned simple returns of several assets, asset after asset: return t of asset i is `data[i * observations + t]`.
 */
export interface ReturnPanel {
  readonly assets: number;
  readonly observations: number;
  readonly data: Float64Array;
}

/** Memory that worker threads read without a copy. */
export function sharedDoubles(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(Math.max(8, length * 8)), 0, length);
}

/** @throws RangeError when the series have unequal lengths */
export function panelOf(series: readonly ArrayLike<number>[]): ReturnPanel {
  const observations = series[0]?.length ?? 0;
  const data = sharedDoubles(series.length * observations);
  series.forEach((x, i) => {
    if (x.length !== observations)
      throw new RangeError(`series ${i} has ${x.length} values, not ${observations}`);
    data.set(x, i * observations);
  });
  return { assets: series.length, observations, data };
}

/** The series of a panel, as views. */
export function seriesOf({ assets, observations, data }: ReturnPanel): Float64Array[] {
  return Array.from({ length: assets }, (_, i) => data.subarray(i * observations, (i + 1) * observations));
}
