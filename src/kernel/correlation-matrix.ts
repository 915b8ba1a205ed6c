import type { SymmetricMatrix } from './symmetric-matrix.js';

/**
 * Correlations σ_ij / √(σ_ii σ_jj), 1 on the diagonal, clamped to [−1, 1]. A series without variance has no
 * correlation with anything: NaN in its row and column (1 on its diagonal stays undefined too).
 *
 * @param covariance as any estimator here gives it
 * @returns dimensionless, symmetric; empty for an empty matrix
 */
export function correlationMatrix({ size, data }: SymmetricMatrix): SymmetricMatrix {
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const vi = data[i * size + i]!;
    for (let j = 0; j < size; j++) {
      const vj = data[j * size + j]!;
      const r = vi > 0 && vj > 0 ? data[i * size + j]! / (Math.sqrt(vi) * Math.sqrt(vj)) : Number.NaN;
      out[i * size + j] = i === j && vi > 0 ? 1 : Math.min(1, Math.max(-1, r));
    }
  }
  return { size, data: out };
}
