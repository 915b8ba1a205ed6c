/** 32 well mixed bits of a counter (the finaliser of MurmurHash3, public domain). */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * 32-bit words that start a generator: a function of seed, stream and position alone, so that any block of paths
 * can be made again by anyone, in any order, on any thread.
 *
 * @param seed whole number from 0 to 2^53 − 1
 * @param stream which generator of this seed
 */
export function seedWords(seed: number, stream: number, words: Uint32Array): void {
  const key = mix(mix(seed >>> 0) + mix(Math.floor(seed / 2 ** 32) + 0x632be5ab));
  for (let i = 0; i < words.length; i++) {
    words[i] = mix(key ^ mix(Math.imul(stream, 0x9e3779b9) ^ mix(i + 0x7f4a7c15)));
  }
  // The one state that a xoshiro generator never leaves.
  if (words.every((w) => w === 0)) words[0] = 1;
}

/** xoshiro128++ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021), period 2^128 − 1. */
export class UniformGenerator {
  private readonly s = new Uint32Array(4);

  constructor(seed: number, stream: number) {
    seedWords(seed, stream, this.s);
  }

  /** Next 32 bits. */
  nextWord(): number {
    const s = this.s;
    const sum = (s[0]! + s[3]!) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + s[0]!) >>> 0;
    const t = s[1]! << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s[1]!;
    s[1] = s[1]! ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in (0, 1), 53 bits; never 0, never 1. */
  next(): number {
    return ((this.nextWord() >>> 6) * 0x8000000 + (this.nextWord() >>> 5) + 0.5) / 2 ** 53;
  }
}
