import { momentScale, scaledBy } from './moment-scale.js';
import { variance } from './variance.js';

/**
 * Square root of {@link variance}; same `ddof`, same behaviour on short, constant and non-finite input. Right also
 * where the variance itself is beyond the range of a double (values around 1e−200 or 1e200).
 *
 * @example standardDeviation([1, 2, 3, 4], 0) // √1.25
 */
export function standardDeviation(values: ArrayLike<number>, ddof = 1): number {
  const direct = variance(values, ddof);
  if (direct > 1e-280 && direct < 1e280) return Math.sqrt(direct);
  const scale = momentScale(values);
  return Math.sqrt(scale === 1 ? direct : variance(scaledBy(values, scale), ddof)) * scale;
}
