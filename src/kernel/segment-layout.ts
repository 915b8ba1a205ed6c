/**
 * A segment is a run of consecutive values, reduced to what every statistic of the window needs and kept as {@link
 * segmentSize} doubles inside a larger array (`array`, `offset`). Segments join end to end and are never taken
 * apart: nothing is ever subtracted from an aggregate, so a value that has left the window cannot leave a residue.
 *
 * The mean is held as the pair `origin + meanOffset`, where the origin is one of the segment's own values.
 * Distances between origins are exact for neighbouring values, so a series near 1e9 that moves by 1e-3 keeps its
 * digits.
 *
 * M₂ is the sum of squared distances from the mean, C the sum of (index − mean index) · (value − mean): joined by
 * Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (1983), and its counterpart for
 * covariances.
 */
export const segmentSize = 13;

/**
 * Places of a segment's figures; its number of values, 0 for an empty one, comes first. Users keep local copies: V8
 * folds constants of a module's own scope into the code, but loads imported ones at every use.
 */
export const SEGMENT = {
  origin: 1,
  meanOffset: 2,
  m2: 3,
  /** Co-moment of value and index. */
  c: 4,
  min: 5,
  max: 6,
  /** Largest fall from a value to a later one: absolute, and as a fraction of the higher value (all values > 0). */
  fall: 7,
  fallFraction: 8,
  /** Exponentially weighted mean, as a distance from the origin; weights restart at the segment's last value. */
  ewmaOffset: 9,
  /** Exponentially weighted sum (not mean) of the squared simple returns between neighbours inside the segment. */
  ewmaSquares: 10,
  first: 11,
  last: 12,
} as const;
