/**
 * A WebAssembly assembler small enough to read: expressions are byte sequences in postfix order, so `add(a, b)` is
 * `[...a, ...b, opcode]`. It emits exactly what the kernels beside it need
 * (https://webassembly.github.io/spec/core/binary/), nothing is downloaded or stored as a binary.
 */
export type Code = readonly number[];

export const valueType = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof valueType)[keyof typeof valueType];

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return out;
}

/** Signed LEB128 of a 32-bit integer. */
function signed(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, body: Code): number[] => [id, ...unsigned(body.length), ...body];
const ascii = (text: string): number[] => [
  ...unsigned(text.length),
  ...Array.from(text, (c) => c.charCodeAt(0)),
];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

const binary =
  (opcode: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode];
const unary =
  (opcode: Code) =>
  (a: Code): Code => [...a, ...opcode];

/** A parameter or local of the function being written. */
export class Local {
  readonly get: Code;
  private readonly index: number;

  constructor(index: number) {
    this.index = index;
    this.get = [0x20, ...unsigned(index)];
  }

  set(value: Code): Code {
    return [...value, 0x21, ...unsigned(this.index)];
  }
}

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary([0x6a]),
  sub: binary([0x6b]),
  mul: binary([0x6c]),
  shl: binary([0x74]),
  ltU: binary([0x49]),
  load: (address: Code, offset = 0): Code => [...address, 0x28, 2, ...unsigned(offset)],
};

export const f64 = {
  load: (address: Code, offset = 0): Code => [...address, 0x2b, 3, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    0x39,
    3,
    ...unsigned(offset),
  ],
  add: binary([0xa0]),
};

/** 128-bit vectors: two doubles, two 64-bit or four 32-bit integers, as the operation says. */
export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, ...simd(0x00), 3, ...unsigned(offset)],
  /** Eight bytes into the low half, the high half is 0. */
  load64: (address: Code, offset = 0): Code => [...address, ...simd(0x5d), 2, ...unsigned(offset)],
  /** One double in both lanes. */
  loadSplat: (address: Code, offset = 0): Code => [...address, ...simd(0x0a), 3, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...simd(0x0b),
    3,
    ...unsigned(offset),
  ],
  zero: [...simd(0x0c), ...new Array<number>(16).fill(0)] as Code,
  and: binary(simd(0x4e)),
  or: binary(simd(0x50)),
  xor: binary(simd(0x51)),
  /** Bits of `a` where the mask is set, of `b` elsewhere. */
  select: (a: Code, b: Code, mask: Code): Code => [...a, ...b, ...mask, ...simd(0x52)],
};

/**
 * Vector constants, kept in linear memory from address 0 on: a load folds into the instruction that uses it, while
 * a `v128.const` in a loop is rebuilt from integer registers each time round.
 */
export class ConstantPool {
  private readonly words: bigint[] = [];

  f64(value: number): Code {
    return this.i64(new BigUint64Array(new Float64Array([value]).buffer)[0]!);
  }

  i64(bits: bigint): Code {
    let at = this.words.indexOf(bits);
    if (at < 0) at = this.words.push(bits) - 1;
    return v128.load(i32.const(0), at * 16);
  }

  /** What memory must hold from address 0 on: every constant in both lanes. */
  bytes(): Uint8Array {
    return new Uint8Array(BigUint64Array.from(this.words.flatMap((w) => [w, w])).buffer);
  }
}

export const f64x2 = {
  add: binary(simd(0xf0)),
  sub: binary(simd(0xf1)),
  mul: binary(simd(0xf2)),
  div: binary(simd(0xf3)),
  sqrt: unary(simd(0xef)),
  nearest: unary(simd(0x94)),
  gt: binary(simd(0x4a)),
  /** The two low singles as doubles, exactly. */
  promoteLow: unary(simd(0x5f)),
  lane: (a: Code, lane: 0 | 1): Code => [...a, ...simd(0x21), lane],
};

const shift =
  (opcode: number) =>
  (a: Code, bits: number): Code => [...a, ...i32.const(bits), ...simd(opcode)];

export const i64x2 = {
  add: binary(simd(0xce)),
  neg: unary(simd(0xc1)),
  shl: shift(0xcb),
  shrU: shift(0xcd),
};

export const i32x4 = {
  add: binary(simd(0xae)),
  shl: shift(0xab),
  shrU: shift(0xad),
};

/** Runs `body` and again as long as `condition` is non-zero at its end: the body always runs once. */
export const repeatWhile = (body: readonly Code[], condition: Code): Code => [
  0x03,
  0x40,
  ...body.flat(),
  ...condition,
  0x0d,
  0,
  0x0b,
];

/** One function being written; parameters are 32-bit integers (addresses and counts), there is no result. */
export class FunctionWriter {
  private readonly locals: ValueType[] = [];
  private readonly body: Code[] = [];
  readonly name: string;
  readonly parameterCount: number;

  constructor(name: string, parameterCount: number) {
    this.name = name;
    this.parameterCount = parameterCount;
  }

  parameter(index: number): Local {
    return new Local(index);
  }

  local(type: ValueType): Local {
    this.locals.push(type);
    return new Local(this.parameterCount + this.locals.length - 1);
  }

  vectors(count: number): Local[] {
    return Array.from({ length: count }, () => this.local(valueType.v128));
  }

  write(...code: Code[]): void {
    this.body.push(...code);
  }

  bytes(): Code {
    const locals = vector(this.locals.map((type) => [1, type]));
    const code = [...locals, ...this.body.flat(), 0x0b];
    return [...unsigned(code.length), ...code];
  }
}

/**
 * Bytes of a module that imports `env.memory` and exports every function.
 *
 * @param shared the memory is one that worker threads see too
 */
export function assemble(functions: readonly FunctionWriter[], shared = false): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [
    0x60,
    ...vector(Array.from({ length: f.parameterCount }, () => [valueType.i32])),
    0,
  ]);
  const limits = shared ? [0x03, 1, ...unsigned(65_536)] : [0x00, 1];
  const memory = [...ascii('env'), ...ascii('memory'), 0x02, ...limits];
  const exported = functions.map((f, i) => [...ascii(f.name), 0x00, ...unsigned(i)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(exported)),
    ...section(10, vector(functions.map((f) => f.bytes()))),
  ]);
}
