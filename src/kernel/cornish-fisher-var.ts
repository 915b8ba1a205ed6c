import { type CornishFisherTail, cornishFisherTail, type Shape } from './cornish-fisher-tail.js';

/**
 * Modified (Cornish-Fisher) value at risk; `valid` says whether the expansion holds there. See {@link
 * cornishFisherTail} for definition, sources and errors.
 *
 * @example cornishFisherVar({ mean: 0, standardDeviation: 0.01, skewness: -0.5, excessKurtosis: 1 }, 0.99).var
 */
export function cornishFisherVar(
  shape: Shape,
  confidence: number,
  horizonDays = 1,
): Pick<CornishFisherTail, 'var' | 'valid' | 'reason'> {
  const tail = cornishFisherTail(shape, confidence, horizonDays);
  return { var: tail.var, valid: tail.valid, reason: tail.reason };
}
