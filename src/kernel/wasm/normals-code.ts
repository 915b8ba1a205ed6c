import {
  type Code,
  type ConstantPool,
  FunctionWriter,
  f64x2,
  i32,
  i32x4,
  i64x2,
  type Local,
  repeatWhile,
  v128,
  valueType,
} from './assembler.js';

/**
 * Taylor coefficients: enough for a remainder below 1e-13 of the result on the reduced arguments (see each use).
 */
const atanhTerms = [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15];
const sinTerms = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362_880, -1 / 39_916_800, 1 / 6_227_020_800];
const cosTerms = [
  1,
  -1 / 2,
  1 / 24,
  -1 / 720,
  1 / 40_320,
  -1 / 3_628_800,
  1 / 479_001_600,
  -1 / 87_178_291_200,
];

const rotateLeft = (x: Local, bits: number): Code =>
  v128.or(i32x4.shl(x.get, bits), i32x4.shrU(x.get, 32 - bits));

/**
 * `normals(out, bytes, state)` fills `bytes` (a multiple of 32) at `out` with independent standard normal deviates.
 *
 * Uniforms: four interleaved xoshiro128++ generators (Blackman and Vigna 2021), whose 64 bytes of state are read
 * and written back; two 32-bit lanes make one 52-bit uniform. Normals: Box and Muller's transform, the cosine half
 * first, the sine half in the second half of the buffer. Only + − × ÷ √ and integer operations are used, all
 * exactly rounded, so a seed gives the same bits on every machine.
 */
export function normalsCode(pool: ConstantPool): FunctionWriter {
  const f = new FunctionWriter('normals', 3);
  const [out, bytes, state] = [f.parameter(0), f.parameter(1), f.parameter(2)];
  const [end, half] = [f.local(valueType.i32), f.local(valueType.i32)];
  const [s0, s1, s2, s3, t, u, v, r] = f.vectors(8) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [x, e, q, sin, cos, swap, bits, q2] = f.vectors(8) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];

  const horner = (at: Local, terms: readonly number[]): Code =>
    terms
      .toReversed()
      .reduce<Code>(
        (sum, c, i) => (i === 0 ? pool.f64(c) : f64x2.add(f64x2.mul(sum, at.get), pool.f64(c))),
        [],
      );
  /** Polynomial in q, even and odd terms apart: half the chain of dependent operations. Needs q2 = q². */
  const polynomial = (terms: readonly number[]): Code => {
    const even = terms.filter((_, i) => i % 2 === 0);
    const odd = terms.filter((_, i) => i % 2 === 1);
    return f64x2.add(horner(q2, even), f64x2.mul(q.get, horner(q2, odd)));
  };

  /** Next 128 bits into `target`, as two doubles in [1, 2). */
  const draw = (target: Local): Code[] => [
    t.set(i32x4.add(s0.get, s3.get)),
    target.set(i32x4.add(rotateLeft(t, 7), s0.get)),
    t.set(i32x4.shl(s1.get, 9)),
    s2.set(v128.xor(s2.get, s0.get)),
    s3.set(v128.xor(s3.get, s1.get)),
    s1.set(v128.xor(s1.get, s2.get)),
    s0.set(v128.xor(s0.get, s3.get)),
    s2.set(v128.xor(s2.get, t.get)),
    s3.set(rotateLeft(s3, 11)),
    target.set(v128.or(i64x2.shrU(target.get, 12), pool.i64(0x3ff0000000000000n))),
  ];

  /** r = √(−2 ln x) for x = 2 − u in (0, 1]: exponent and mantissa apart, ln m = 2 artanh((m − 1)/(m + 1)). */
  const radius: Code[] = [
    x.set(f64x2.sub(pool.f64(2), u.get)),
    // Biased exponent as a double: its bits below those of 2^52.
    e.set(f64x2.sub(v128.or(i64x2.shrU(x.get, 52), pool.i64(0x4330000000000000n)), pool.f64(2 ** 52 + 1023))),
    x.set(v128.or(v128.and(x.get, pool.i64(0x000fffffffffffffn)), pool.i64(0x3ff0000000000000n))),
    // Mantissa into [√½, √2), so that |f| ≤ 0.1716 and f¹⁶/17 < 4e-14.
    swap.set(f64x2.gt(x.get, pool.f64(Math.SQRT2))),
    x.set(v128.select(f64x2.mul(x.get, pool.f64(0.5)), x.get, swap.get)),
    e.set(f64x2.add(e.get, v128.and(swap.get, pool.f64(1)))),
    x.set(f64x2.div(f64x2.sub(x.get, pool.f64(1)), f64x2.add(x.get, pool.f64(1)))),
    q.set(f64x2.mul(x.get, x.get)),
    q2.set(f64x2.mul(q.get, q.get)),
    r.set(f64x2.mul(f64x2.mul(x.get, pool.f64(-4)), polynomial(atanhTerms))),
    r.set(f64x2.sqrt(f64x2.sub(r.get, f64x2.mul(e.get, pool.f64(2 * Math.LN2))))),
  ];

  /** sin and cos of 2π(v − 1): quadrant and rest in [−π/4, π/4], where t¹⁵/15! < 3e-14. */
  const circle: Code[] = [
    x.set(f64x2.mul(f64x2.sub(v.get, pool.f64(1)), pool.f64(4))),
    q.set(f64x2.nearest(x.get)),
    x.set(f64x2.mul(f64x2.sub(x.get, q.get), pool.f64(Math.PI / 2))),
    // The quadrant as an integer in the low bits of q + 2^52.
    bits.set(f64x2.add(q.get, pool.f64(2 ** 52))),
    q.set(f64x2.mul(x.get, x.get)),
    q2.set(f64x2.mul(q.get, q.get)),
    sin.set(f64x2.mul(x.get, polynomial(sinTerms))),
    cos.set(polynomial(cosTerms)),
    swap.set(i64x2.neg(v128.and(bits.get, pool.i64(1n)))),
    x.set(v128.select(cos.get, sin.get, swap.get)),
    cos.set(v128.select(sin.get, cos.get, swap.get)),
    sin.set(v128.xor(x.get, i64x2.shl(v128.and(bits.get, pool.i64(2n)), 62))),
    cos.set(v128.xor(cos.get, i64x2.shl(v128.and(i64x2.add(bits.get, pool.i64(1n)), pool.i64(2n)), 62))),
  ];

  f.write(
    half.set([...bytes.get, ...i32.const(1), 0x76]),
    end.set(i32.add(out.get, half.get)),
    ...[s0, s1, s2, s3].map((s, i) => s.set(v128.load(state.get, 16 * i))),
    repeatWhile(
      [
        ...draw(u),
        ...draw(v),
        ...radius,
        ...circle,
        v128.store(out.get, f64x2.mul(r.get, cos.get)),
        v128.store(i32.add(out.get, half.get), f64x2.mul(r.get, sin.get)),
        out.set(i32.add(out.get, i32.const(16))),
      ],
      i32.ltU(out.get, end.get),
    ),
    ...[s0, s1, s2, s3].map((s, i) => v128.store(state.get, s.get, 16 * i)),
  );
  return f;
}
