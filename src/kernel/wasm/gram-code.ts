import {
  type Code,
  FunctionWriter,
  f64,
  f64x2,
  i32,
  type Local,
  repeatWhile,
  v128,
  valueType,
} from './assembler.js';

/** Series that stand side by side in one packed panel. */
export const seriesPerPanel = 3;

/**
 * `gram(a, b, sums, bytes, stride)` adds the 3 × 3 dot products of the series of panel `a` with those of panel `b`
 * to the matrix at `sums` (`stride` bytes from row to row). A panel holds [pair of observations][3 series][2
 * values]; `bytes` of each are read, a multiple of 96. Nine vector sums stay in registers.
 */
export function gramCode(): FunctionWriter {
  const f = new FunctionWriter('gram', 5);
  const [a, b, sums, bytes, stride] = Array.from({ length: 5 }, (_, i) => f.parameter(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const end = f.local(valueType.i32);
  const acc = f.vectors(9);
  const [x0, x1, x2, y] = f.vectors(4) as [Local, Local, Local, Local];
  const step = (offset: number): Code[] => [
    x0.set(v128.load(a.get, offset)),
    x1.set(v128.load(a.get, offset + 16)),
    x2.set(v128.load(a.get, offset + 32)),
    ...[0, 1, 2].flatMap((j) => [
      y.set(v128.load(b.get, offset + 16 * j)),
      ...[x0, x1, x2].map((x, i) => {
        const s = acc[3 * i + j]!;
        return s.set(f64x2.add(s.get, f64x2.mul(x.get, y.get)));
      }),
    ]),
  ];
  f.write(
    end.set(i32.add(a.get, bytes.get)),
    repeatWhile(
      [...step(0), ...step(48), a.set(i32.add(a.get, i32.const(96))), b.set(i32.add(b.get, i32.const(96)))],
      i32.ltU(a.get, end.get),
    ),
    ...[0, 1, 2].flatMap((i) => [
      ...[0, 1, 2].map((j) => {
        const s = acc[3 * i + j]!.get;
        const sum = f64.add(f64x2.lane(s, 0), f64x2.lane(s, 1));
        return f64.store(sums.get, f64.add(f64.load(sums.get, 8 * j), sum), 8 * j);
      }),
      sums.set(i32.add(sums.get, stride.get)),
    ]),
  );
  return f;
}
