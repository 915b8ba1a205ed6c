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

/**
 * `accumulate1`, `accumulate8`, …(sums, addresses, factors, passes, bytes) add to the doubles at `sums` the sum of factor ×
 * series over `perPass` series a pass, whose factors stay in registers. A series is of singles, each taken as the
 * double that it is. `addresses` and `factors` hold one i32 and one double per series; `bytes` of `sums` are
 * worked on, rounded up to a multiple of 32.
 */
export function accumulateCode(perPass: number): FunctionWriter {
  const f = new FunctionWriter(`accumulate${perPass}`, 5);
  const [sums, addresses, factors, passes, bytes] = Array.from({ length: 5 }, (_, i) => f.parameter(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const at = f.local(valueType.i32);
  const half = f.local(valueType.i32);
  const series = Array.from({ length: perPass }, () => f.local(valueType.i32));
  const scale = f.vectors(perPass);
  const pair = (k: 0 | 1): Code => {
    const terms = series.map((s, i) =>
      f64x2.mul(scale[i]!.get, f64x2.promoteLow(v128.load64(i32.add(s.get, half.get), 8 * k))),
    );
    const target = i32.add(sums.get, at.get);
    return v128.store(target, f64x2.add(v128.load(target, 16 * k), total(terms)), 16 * k);
  };
  f.write(
    repeatWhile(
      [
        ...series.map((s, i) => s.set(i32.load(addresses.get, 4 * i))),
        ...scale.map((v, i) => v.set(v128.loadSplat(factors.get, 8 * i))),
        at.set(i32.const(0)),
        half.set(i32.const(0)),
        repeatWhile(
          [
            pair(0),
            pair(1),
            at.set(i32.add(at.get, i32.const(32))),
            half.set(i32.add(half.get, i32.const(16))),
          ],
          i32.ltU(at.get, bytes.get),
        ),
        addresses.set(i32.add(addresses.get, i32.const(4 * perPass))),
        factors.set(i32.add(factors.get, i32.const(8 * perPass))),
        passes.set(i32.sub(passes.get, i32.const(1))),
      ],
      passes.get,
    ),
  );
  return f;
}

/** A balanced sum: the additions of one step do not wait for each other. */
function total(terms: readonly Code[]): Code {
  if (terms.length === 1) return terms[0]!;
  const half = terms.length / 2;
  return f64x2.add(total(terms.slice(0, half)), total(terms.slice(half)));
}
