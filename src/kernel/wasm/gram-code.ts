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
 * `gram(a, b, sums, bytes, stride, panels, panelBytes)` adds the 3 × 3 dot products of the series of panel `a` with those of
 * `panels` consecutive panels from `b` on to the matrix at `sums` (`stride` bytes from row to row, the columns of one panel
 * after those of the last). A panel holds [pair of observations][3 series][2 values]; `bytes` of each are read,
 * a multiple of 96. Nine vector sums stay in registers.
 */
export function gramCode(): FunctionWriter {
  const f = new FunctionWriter('gram', 7);
  const [a, b, sums, bytes, stride, panels, panelBytes] = Array.from({ length: 7 }, (_, i) =>
    f.parameter(i),
  ) as [Local, Local, Local, Local, Local, Local, Local];
  const [end, x, y, out] = Array.from({ length: 4 }, () => f.local(valueType.i32)) as [
    Local,
    Local,
    Local,
    Local,
  ];
  const acc = f.vectors(9);
  const [x0, x1, x2, v] = f.vectors(4) as [Local, Local, Local, Local];
  const step = (offset: number): Code[] => [
    x0.set(v128.load(x.get, offset)),
    x1.set(v128.load(x.get, offset + 16)),
    x2.set(v128.load(x.get, offset + 32)),
    ...[0, 1, 2].flatMap((j) => [
      v.set(v128.load(y.get, offset + 16 * j)),
      ...[x0, x1, x2].map((u, i) => {
        const s = acc[3 * i + j]!;
        return s.set(f64x2.add(s.get, f64x2.mul(u.get, v.get)));
      }),
    ]),
  ];
  f.write(
    end.set(i32.add(a.get, bytes.get)),
    repeatWhile(
      [
        ...acc.map((s) => s.set(v128.zero)),
        x.set(a.get),
        y.set(b.get),
        repeatWhile(
          [
            ...step(0),
            ...step(48),
            x.set(i32.add(x.get, i32.const(96))),
            y.set(i32.add(y.get, i32.const(96))),
          ],
          i32.ltU(x.get, end.get),
        ),
        out.set(sums.get),
        ...[0, 1, 2].flatMap((i) => [
          ...[0, 1, 2].map((j) => {
            const s = acc[3 * i + j]!.get;
            const sum = f64.add(f64x2.lane(s, 0), f64x2.lane(s, 1));
            return f64.store(out.get, f64.add(f64.load(out.get, 8 * j), sum), 8 * j);
          }),
          out.set(i32.add(out.get, stride.get)),
        ]),
        sums.set(i32.add(sums.get, i32.const(8 * seriesPerPanel))),
        b.set(i32.add(b.get, panelBytes.get)),
        panels.set(i32.sub(panels.get, i32.const(1))),
      ],
      panels.get,
    ),
  );
  return f;
}
