/** A symmetric matrix, stored in full, row by row: entry (i, j) is `data[i * size + j]`. */
export interface SymmetricMatrix {
  readonly size: number;
  readonly data: Float64Array;
}

/**
 * Takes over a matrix written as rows.
 *
 * @throws RangeError unless it is square, finite and symmetric to 1e-9 of its largest entry, with no negative
 *   variance
 */
export function symmetricMatrix(rows: ArrayLike<ArrayLike<number>>): SymmetricMatrix {
  const size = rows.length;
  const data = new Float64Array(size * size);
  let largest = 0;
  for (let i = 0; i < size; i++) {
    const row = rows[i]!;
    if (row.length !== size) throw new RangeError(`row ${i} has ${row.length} entries, not ${size}`);
    for (let j = 0; j < size; j++) {
      if (!Number.isFinite(row[j])) throw new RangeError(`entry (${i}, ${j}) is ${row[j]}`);
      data[i * size + j] = row[j]!;
      largest = Math.max(largest, Math.abs(row[j]!));
    }
    if (data[i * size + i]! < 0) throw new RangeError(`the variance (${i}, ${i}) is ${row[i]}`);
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [data[i * size + j]!, data[j * size + i]!];
      if (Math.abs(a - b) > 1e-9 * largest)
        throw new RangeError(`entries (${i}, ${j}) and (${j}, ${i}) differ`);
      const middle = (a + b) / 2;
      data[i * size + j] = middle;
      data[j * size + i] = middle;
    }
  }
  return { size, data };
}

/** Σ·x. */
export function multiply(matrix: SymmetricMatrix, x: ArrayLike<number>): Float64Array {
  const { size, data } = matrix;
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) out[i] = dot(data.subarray(i * size, (i + 1) * size), x);
  return out;
}

/** x·y, in four interleaved sums: four times fewer dependent additions. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = x.length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    a += x[i]! * y[i]!;
    b += x[i + 1]! * y[i + 1]!;
    c += x[i + 2]! * y[i + 2]!;
    d += x[i + 3]! * y[i + 3]!;
  }
  for (; i < n; i++) a += x[i]! * y[i]!;
  return a + b + (c + d);
}

/** x′Σx: a variance; rounding below 0 (a perfect hedge) is 0. */
export function quadraticForm(matrix: SymmetricMatrix, x: ArrayLike<number>): number {
  return Math.max(0, dot(x, multiply(matrix, x)));
}
