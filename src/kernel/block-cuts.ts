/** After so many values two windows with the same keys have the same blocks (but for less than one in 10¹³). */
export const blocksMargin = 1_024;

/** Values of a block, but for what {@link dividingLength} makes of it. */
const longestBlock = 64;

/** Where the blocks of a window end, and its groups of blocks. */
export interface BlockCuts {
  /** Values of a block where they are counted off; at most so many where keys decide. */
  readonly blockLength: number;
  /** Blocks of a group where they are counted off. */
  readonly groupLength: number;
  /** A key without these bits ends a block… */
  readonly blockMask: number;
  /** …and one without these a group too. */
  readonly groupMask: number;
}

/** Lengths at which one update of a full window touches about as many values as blocks and groups. */
export function blockCuts(capacity: number): BlockCuts {
  // Two blocks at the least: each costs a few joins, which the values of short ones have to share.
  const wanted = Math.min(longestBlock, Math.max(1, capacity >> 1));
  const blockLength = dividingLength(capacity, wanted);
  // Keys end a block after half of that on average; what they leave longer is ended at that length.
  const keyedBits = Math.max(0, Math.floor(Math.log2(wanted)) - 1);
  return {
    blockLength,
    groupLength: Math.min(128, Math.max(2, Math.round(capacity / (8 * blockLength)))),
    blockMask: 2 ** keyedBits - 1,
    groupMask: 2 ** Math.min(12, Math.max(keyedBits + 1, Math.floor(Math.log2(capacity)) - 6)) - 1,
  };
}

/**
 * Spreads a sequence number over 31 bits, for use as the key of `StreamWindow.push`: blocks then end at values that
 * their own sequence numbers choose, however densely the numbers were given to this stream.
 */
export function cutKey(seq: number): number {
  let h = (seq >>> 0) ^ Math.imul((seq / 0x1_0000_0000) >>> 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 1;
}

/**
 * The divisor of the capacity nearest to `length`, if one is near: the oldest block then starts to leave just when the
 * newest one is complete.
 */
function dividingLength(capacity: number, length: number): number {
  for (let off = 0; off * 2 <= length; off++) {
    if (capacity % (length - off) === 0) return length - off;
    if (capacity % (length + off) === 0) return length + off;
  }
  return length;
}
