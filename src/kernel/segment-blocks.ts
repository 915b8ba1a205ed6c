import type { EwmaWeights } from './ewma-weights.js';
import { copyRing, doubles, grown } from './ring.js';
import { copySegment, join } from './segment.js';
import { segmentSize } from './segment-layout.js';

const size = segmentSize;
/** Blocks that there is memory for at the least, and complete groups once there is one. */
const firstSlots = 4;
const firstGroups = 8;
/** Places in `sums`. */
const OPEN = 0;
const GROUPS = size;

/**
 * The complete blocks of a window, each the segment of its values, in groups: what is called once per block, not once
 * per value. Blocks are added at the end and taken from the front.
 *
 *     front: the oldest group, from its first block on │ complete groups │ blocks of the open group
 *     (each block joined with all later ones of it)
 *
 * Joining all that is held takes three joins, whatever the number of blocks.
 */
export class SegmentBlocks {
  private readonly weights: EwmaWeights;
  /** Ring, oldest first: `front` blocks, then those of the complete groups, then `open` blocks. */
  private blocks: Float64Array;
  private head = 0;
  private count = 0;
  private front = 0;
  private open = 0;
  /** Ring of the complete groups: their segments, and how many blocks each has. */
  private groups = new Float64Array(0);
  private groupBlocks = new Int32Array(0);
  private groupHead = 0;
  private groupCount = 0;
  /** The open group's blocks joined, the complete groups joined. */
  private sums = new Float64Array(2 * size);

  /** @param slots blocks that there is memory for at first */
  constructor(weights: EwmaWeights, slots = firstSlots) {
    this.weights = weights;
    this.blocks = doubles(slots * size);
  }

  /** Blocks of the open group. */
  get openBlocks(): number {
    return this.open;
  }

  /** Memory of the typed arrays, bytes. */
  get bytes(): number {
    const { blocks, groups, groupBlocks, sums } = this;
    return blocks.byteLength + groups.byteLength + groupBlocks.byteLength + sums.byteLength;
  }

  /** Adds the segment at `at` of `from` as the newest block. */
  add(from: Float64Array, at: number, closesGroup: boolean): void {
    const { sums, weights } = this;
    if ((this.count + 1) * size > this.blocks.length) this.moveBlocks(grown(this.count, firstSlots));
    copySegment(this.blocks, this.place(this.count), from, at);
    this.count++;
    join(sums, OPEN, sums, OPEN, from, at, weights, false);
    this.open++;
    if (closesGroup) this.closeGroup();
  }

  /** Takes the oldest block out. @returns how many values it has, 0 when there is none */
  takeOldest(): number {
    if (this.front === 0) this.layOutFront();
    if (this.front === 0) return 0;
    const oldest = this.blocks[this.head * size]!;
    this.head = this.head + 1 === this.blocks.length / size ? 0 : this.head + 1;
    this.front--;
    this.count--;
    // Each block of the front was joined with the later ones. An integer to the optimiser too: every value counts it down.
    return (oldest - (this.front > 0 ? this.blocks[this.head * size]! : 0)) | 0;
  }

  /** Writes the segment of all that is held to `at` of `to`. */
  joinAll(to: Float64Array, at: number): void {
    const { sums, weights } = this;
    if (this.front > 0) {
      join(to, at, this.blocks, this.head * size, sums, GROUPS, weights, true);
      join(to, at, to, at, sums, OPEN, weights, true);
    } else join(to, at, sums, GROUPS, sums, OPEN, weights, true);
  }

  /** Gives back memory that is not needed for what is held now. */
  trim(): void {
    this.moveBlocks(this.count + 4);
  }

  clear(): void {
    this.sums.fill(0);
    this.count = 0;
    this.front = 0;
    this.open = 0;
    this.groupCount = 0;
  }

  /** An independent copy. */
  copy(): SegmentBlocks {
    return Object.assign(new SegmentBlocks(this.weights), {
      ...this,
      blocks: this.blocks.slice(),
      groups: this.groups.slice(),
      groupBlocks: this.groupBlocks.slice(),
      sums: this.sums.slice(),
    });
  }

  /** Turns the oldest complete group (or, without one, the open group) into suffixes over its blocks, in place. */
  private layOutFront(): void {
    const { blocks, weights } = this;
    if (this.groupCount > 0) {
      this.front = this.groupBlocks[this.groupHead]!;
      this.groupHead = this.groupHead + 1 === this.groupBlocks.length ? 0 : this.groupHead + 1;
      this.groupCount--;
      this.joinGroups();
    } else {
      this.front = this.open;
      this.open = 0;
      this.sums[OPEN] = 0;
    }
    for (let i = this.front - 2; i >= 0; i--) {
      const at = this.place(i);
      join(blocks, at, blocks, at, blocks, this.place(i + 1), weights, true);
    }
  }

  private closeGroup(): void {
    const { sums, weights } = this;
    if (this.groupCount === this.groupBlocks.length) this.growGroups();
    const at = (this.groupHead + this.groupCount) % this.groupBlocks.length;
    copySegment(this.groups, at * size, sums, OPEN);
    this.groupBlocks[at] = this.open;
    this.groupCount++;
    join(sums, GROUPS, sums, GROUPS, sums, OPEN, weights, false);
    sums[OPEN] = 0;
    this.open = 0;
  }

  private joinGroups(): void {
    const { sums, groups, weights } = this;
    const length = this.groupBlocks.length;
    sums[GROUPS] = 0;
    for (let i = 0; i < this.groupCount; i++) {
      join(sums, GROUPS, sums, GROUPS, groups, ((this.groupHead + i) % length) * size, weights, false);
    }
  }

  /** Where the i-th block begins. */
  private place(i: number): number {
    return ((this.head + i) % (this.blocks.length / size)) * size;
  }

  private moveBlocks(slots: number): void {
    const moved = doubles(slots * size);
    copyRing(this.blocks, this.head * size, this.count * size, moved);
    this.blocks = moved;
    this.head = 0;
  }

  private growGroups(): void {
    const { groupBlocks, groupCount, groupHead } = this;
    const length = Math.max(firstGroups, groupCount * 2);
    const groups = new Float64Array(length * size);
    copyRing(this.groups, groupHead * size, groupCount * size, groups);
    this.groups = groups;
    this.groupBlocks = new Int32Array(length);
    for (let i = 0; i < groupCount; i++) {
      this.groupBlocks[i] = groupBlocks[(groupHead + i) % groupCount]!;
    }
    this.groupHead = 0;
  }
}
