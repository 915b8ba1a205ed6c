import {
  type Code,
  FunctionWriter,
  f64x2,
  i32,
  type Local,
  repeatWhile,
  v128,
  valueType,
} from './assembler.js';

/** Paths that one pass of the inner loops works on: two vectors of two. */
export const pathsPerChunk = 4;
/** Assets of one register block. */
export const rowsPerBlock = 4;

/**
 * `scenarios(z, lower, exposures, scale, y, pnl, chunks, factors, rowBlocks, assetStride)` forms correlated asset
 * returns and the portfolio's P&L: y[i][p] = scale[p] · Σ_{j ≤ i} L[i][j] · z[p][j], pnl[p] = Σ exposure[i] ·
 * y[i][p].
 *
 * z is laid out [chunk][factor][4 paths], `lower` [row block][factor][4 rows] with each row block cut after its
 * last factor, exposures [row], scale and pnl [path], y [asset][path] with `assetStride` bytes from one asset to
 * the next. A row block of 4 assets × 4 paths stays in eight registers over the whole sum.
 */
export function scenariosCode(): FunctionWriter {
  const f = new FunctionWriter('scenarios', 10);
  const parameters = Array.from({ length: 10 }, (_, i) => f.parameter(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [z, lower, exposures, scale, y, pnl, chunks, factors, rowBlocks, assetStride] = parameters;
  const [l, zi, zEnd, block, e, yi, zBytes] = Array.from({ length: 7 }, () => f.local(valueType.i32)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const sums = f.vectors(2 * rowsPerBlock);
  const [a, b, c, p0, p1, k0, k1] = f.vectors(7) as [Local, Local, Local, Local, Local, Local, Local];

  const inner: Code[] = [
    a.set(v128.load(zi.get)),
    b.set(v128.load(zi.get, 16)),
    ...Array.from({ length: rowsPerBlock }, (_, row) => [
      c.set(v128.loadSplat(l.get, 8 * row)),
      sums[2 * row]!.set(f64x2.add(sums[2 * row]!.get, f64x2.mul(c.get, a.get))),
      sums[2 * row + 1]!.set(f64x2.add(sums[2 * row + 1]!.get, f64x2.mul(c.get, b.get))),
    ]).flat(),
    l.set(i32.add(l.get, i32.const(8 * rowsPerBlock))),
    zi.set(i32.add(zi.get, i32.const(32))),
  ];
  const finishRow = (row: number): Code[] => {
    const [s0, s1] = [sums[2 * row]!, sums[2 * row + 1]!];
    return [
      s0.set(f64x2.mul(s0.get, k0.get)),
      s1.set(f64x2.mul(s1.get, k1.get)),
      v128.store(yi.get, s0.get),
      v128.store(yi.get, s1.get, 16),
      yi.set(i32.add(yi.get, assetStride.get)),
      c.set(v128.loadSplat(e.get, 8 * row)),
      p0.set(f64x2.add(p0.get, f64x2.mul(c.get, s0.get))),
      p1.set(f64x2.add(p1.get, f64x2.mul(c.get, s1.get))),
    ];
  };
  const rowBlock: Code[] = [
    ...sums.map((s) => s.set(v128.zero)),
    zi.set(z.get),
    repeatWhile(inner, i32.ltU(zi.get, zEnd.get)),
    ...Array.from({ length: rowsPerBlock }, (_, row) => finishRow(row)).flat(),
    e.set(i32.add(e.get, i32.const(8 * rowsPerBlock))),
    // The next block of the triangle has four factors more, none beyond the last.
    zEnd.set(i32.add(zEnd.get, i32.const(32 * rowsPerBlock))),
    block.set(i32.sub(block.get, i32.const(1))),
  ];
  f.write(
    zBytes.set(i32.shl(factors.get, i32.const(5))),
    repeatWhile(
      [
        k0.set(v128.load(scale.get)),
        k1.set(v128.load(scale.get, 16)),
        p0.set(v128.zero),
        p1.set(v128.zero),
        l.set(lower.get),
        e.set(exposures.get),
        yi.set(y.get),
        block.set(rowBlocks.get),
        zEnd.set(i32.add(z.get, i32.const(32 * rowsPerBlock))),
        repeatWhile(rowBlock, block.get),
        v128.store(pnl.get, p0.get),
        v128.store(pnl.get, p1.get, 16),
        z.set(i32.add(z.get, zBytes.get)),
        scale.set(i32.add(scale.get, i32.const(32))),
        y.set(i32.add(y.get, i32.const(32))),
        pnl.set(i32.add(pnl.get, i32.const(32))),
        chunks.set(i32.sub(chunks.get, i32.const(1))),
      ],
      chunks.get,
    ),
  );
  return f;
}

/**
 * `projection(z, loads, scale, pnl, chunks, factors)`: pnl[p] = scale[p] · Σ_j loads[j] · z[p][j], the linear
 * shortcut L′w.
 */
export function projectionCode(): FunctionWriter {
  const f = new FunctionWriter('projection', 6);
  const [z, loads, scale, pnl, chunks, factors] = Array.from({ length: 6 }, (_, i) => f.parameter(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [l, end] = [f.local(valueType.i32), f.local(valueType.i32)];
  const [a, b, c] = f.vectors(3) as [Local, Local, Local];
  f.write(
    repeatWhile(
      [
        a.set(v128.zero),
        b.set(v128.zero),
        l.set(loads.get),
        end.set(i32.add(z.get, i32.shl(factors.get, i32.const(5)))),
        repeatWhile(
          [
            c.set(v128.loadSplat(l.get)),
            a.set(f64x2.add(a.get, f64x2.mul(c.get, v128.load(z.get)))),
            b.set(f64x2.add(b.get, f64x2.mul(c.get, v128.load(z.get, 16)))),
            z.set(i32.add(z.get, i32.const(32))),
            l.set(i32.add(l.get, i32.const(8))),
          ],
          i32.ltU(z.get, end.get),
        ),
        v128.store(pnl.get, f64x2.mul(a.get, v128.load(scale.get))),
        v128.store(pnl.get, f64x2.mul(b.get, v128.load(scale.get, 16)), 16),
        scale.set(i32.add(scale.get, i32.const(32))),
        pnl.set(i32.add(pnl.get, i32.const(32))),
        chunks.set(i32.sub(chunks.get, i32.const(1))),
      ],
      chunks.get,
    ),
  );
  return f;
}
