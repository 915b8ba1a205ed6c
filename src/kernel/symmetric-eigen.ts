import type { SymmetricMatrix } from './symmetric-matrix.js';

export interface EigenDecomposition {
  /** Ascending. */
  readonly values: Float64Array;
  /** Row k is the unit eigenvector of `values[k]`; empty when only values were asked for. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues (and vectors) of a symmetric matrix: Householder's reduction to tridiagonal form, then the QL method
 * with implicit shifts (Golub and Van Loan, "Matrix Computations", 8.3). Backward stable: errors of the order of
 * 1e-16 × the largest eigenvalue.
 *
 * @throws RangeError when an entry is not finite
 */
export function symmetricEigen(matrix: SymmetricMatrix, withVectors = true): EigenDecomposition {
  const n = matrix.size;
  const a = Float64Array.from(matrix.data);
  for (const x of a) if (!Number.isFinite(x)) throw new RangeError(`eigenvalues: an entry is ${x}`);
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const vectors = withVectors ? identity(n) : new Float64Array(0);
  tridiagonalise(a, n, diagonal, off, vectors);
  implicitQl(diagonal, off, vectors, n);
  return sorted(diagonal, vectors, n);
}

function identity(n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

/** A ← HAH for each column; the rows of `q` become the rows of the accumulated Hₙ…H₁. */
function tridiagonalise(
  a: Float64Array,
  n: number,
  diagonal: Float64Array,
  off: Float64Array,
  q: Float64Array,
): void {
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let scale = 0;
    for (let i = k + 1; i < n; i++) scale = Math.max(scale, Math.abs(a[i * n + k]!));
    let rest = 0;
    for (let i = k + 2; i < n; i++) rest = Math.max(rest, Math.abs(a[i * n + k]!));
    if (rest === 0) continue;
    let norm = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[i * n + k]! / scale;
      norm += v[i]! * v[i]!;
    }
    const alpha = v[k + 1]! > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
    const h = norm - alpha * v[k + 1]!;
    v[k + 1] = v[k + 1]! - alpha;
    let vp = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      p[i] = sum / h;
      vp += p[i]! * v[i]!;
    }
    const half = vp / (2 * h);
    for (let i = k + 1; i < n; i++) p[i] = p[i]! - half * v[i]!;
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) a[i * n + j] = a[i * n + j]! - v[i]! * p[j]! - p[i]! * v[j]!;
    }
    a[(k + 1) * n + k] = alpha * scale;
    a[k * n + k + 1] = alpha * scale;
    for (let i = k + 2; i < n; i++) {
      a[i * n + k] = 0;
      a[k * n + i] = 0;
    }
    if (q.length > 0) reflectRows(q, v, h, k + 1, n);
  }
  for (let i = 0; i < n; i++) {
    diagonal[i] = a[i * n + i]!;
    off[i] = i + 1 < n ? a[(i + 1) * n + i]! : 0;
  }
}

/** q ← (I − v v′/h)·q. */
function reflectRows(q: Float64Array, v: Float64Array, h: number, from: number, n: number): void {
  for (let c = 0; c < n; c++) {
    let sum = 0;
    for (let i = from; i < n; i++) sum += v[i]! * q[i * n + c]!;
    if (sum === 0) continue;
    const s = sum / h;
    for (let i = from; i < n; i++) q[i * n + c] = q[i * n + c]! - s * v[i]!;
  }
}

function implicitQl(d: Float64Array, e: Float64Array, q: Float64Array, n: number): void {
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === l) break;
      if (sweep === 100) throw new RangeError('eigenvalues: no convergence');
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = Math.hypot(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = d[i + 1]! - p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        if (q.length > 0) rotateRows(q, i, c, s, n);
      }
      if (r === 0 && i >= l) continue;
      d[l] = d[l]! - p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

function rotateRows(q: Float64Array, i: number, c: number, s: number, n: number): void {
  const upper = i * n;
  const lower = upper + n;
  for (let k = 0; k < n; k++) {
    const f = q[lower + k]!;
    const g = q[upper + k]!;
    q[lower + k] = s * g + c * f;
    q[upper + k] = c * g - s * f;
  }
}

function sorted(values: Float64Array, vectors: Float64Array, n: number): EigenDecomposition {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const outValues = Float64Array.from(order, (k) => values[k]!);
  if (vectors.length === 0) return { values: outValues, vectors };
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out.set(vectors.subarray(order[i]! * n, (order[i]! + 1) * n), i * n);
  return { values: outValues, vectors: out };
}
