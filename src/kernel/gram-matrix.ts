import type { SymmetricMatrix } from './symmetric-matrix.js';
import { seriesPerPanel } from './wasm/gram-code.js';
import { SimdKernels } from './wasm/simd-kernels.js';

/** Observations of one tile: 500 series of it stay in the second-level cache. */
const tileRows = 128;
/** Below this many multiplications the copy into WebAssembly memory costs more than it saves. */
const simdFrom = 50_000;

/**
 * Matrix of weighted, centred cross products Σ_t w[t]·(x_i[t] − c_i)·(x_j[t] − c_j), blocked for the caches and
 * computed two values at a time; equal input gives equal bits, whatever the machine.
 *
 * @param series equally long
 * @param centres subtracted from each series before anything is multiplied
 * @param rootWeights √w[t]; none means all 1
 */
export function gramMatrix(
  series: readonly ArrayLike<number>[],
  centres: ArrayLike<number>,
  rootWeights?: ArrayLike<number>,
): SymmetricMatrix {
  const size = series.length;
  const rows = series[0]?.length ?? 0;
  const data = new Float64Array(size * size);
  if (size * size * rows < simdFrom) plain(series, centres, rootWeights, data);
  else blocked(series, centres, rootWeights, data);
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) data[j * size + i] = data[i * size + j]!;
  return { size, data };
}

function plain(
  series: readonly ArrayLike<number>[],
  centres: ArrayLike<number>,
  rootWeights: ArrayLike<number> | undefined,
  out: Float64Array,
): void {
  const size = series.length;
  const prepared = series.map((x, i) =>
    Float64Array.from(x, (v, t) => (v - centres[i]!) * (rootWeights ? rootWeights[t]! : 1)),
  );
  for (let i = 0; i < size; i++) {
    const x = prepared[i]!;
    for (let j = 0; j <= i; j++) {
      const y = prepared[j]!;
      let sum = 0;
      for (let t = 0; t < x.length; t++) sum += x[t]! * y[t]!;
      out[i * size + j] = sum;
    }
  }
}

function blocked(
  series: readonly ArrayLike<number>[],
  centres: ArrayLike<number>,
  rootWeights: ArrayLike<number> | undefined,
  out: Float64Array,
): void {
  const size = series.length;
  const rows = series[0]!.length;
  const panels = Math.ceil(size / seriesPerPanel);
  const tiles = Math.ceil(rows / tileRows);
  // Four observations are one step of the kernel; the padding is zeros, which add nothing.
  const panelValues = seriesPerPanel * tileRows;
  const width = panels * seriesPerPanel;
  SimdKernels.instance.with([panels * panelValues, width * width], ([tile, sums]) => {
    for (let k = 0; k < tiles; k++) {
      const from = k * tileRows;
      const count = Math.min(tileRows, rows - from);
      pack(series, centres, rootWeights, from, count, tile!.values);
      const bytes = Math.ceil(count / 4) * 4 * seriesPerPanel * 8;
      for (let i = 0; i < panels; i++) {
        SimdKernels.instance.gram(
          tile!.address + i * panelValues * 8,
          tile!.address,
          sums!.address + i * width * seriesPerPanel * 8,
          bytes,
          width * 8,
          i + 1,
          panelValues * 8,
        );
      }
    }
    for (let i = 0; i < size; i++) {
      out.set(sums!.values.subarray(i * width, i * width + i + 1), i * size);
    }
  });
}

/** Lays observations `from`… out as [panel][pair of observations][series of the panel][2], centred and weighted. */
function pack(
  series: readonly ArrayLike<number>[],
  centres: ArrayLike<number>,
  rootWeights: ArrayLike<number> | undefined,
  from: number,
  count: number,
  out: Float64Array,
): void {
  if (count < tileRows) out.fill(0);
  for (let i = 0; i < series.length; i++) {
    const x = series[i]!;
    const centre = centres[i]!;
    const panel = Math.floor(i / seriesPerPanel);
    const base = panel * seriesPerPanel * tileRows + (i - panel * seriesPerPanel) * 2;
    for (let t = 0; t < count; t++) {
      const v = x[from + t]! - centre;
      const at = base + (t >> 1) * 2 * seriesPerPanel + (t & 1);
      out[at] = rootWeights ? v * rootWeights[from + t]! : v;
    }
  }
}
