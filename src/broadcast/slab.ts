/** Largest slab that several messages share, bytes. */
const maxSharedBytes = 64 * 1024;
/**
 * So much is allocated ahead for a topic that holds as much already: small messages are not to have a slab each. From here
 * on there are few sizes, so that one topic's slab can become another's.
 */
const sharedBytes = 2_048;
/** What a slab costs beside its bytes: three objects and the entry of an allocator. */
const ownBytes = 320;

const nothing = Buffer.alloc(0);

/**
 * The JSON of neighbouring messages of one topic, as bytes outside of the heap: thousands of strings that live for seconds
 * are copied by every collection of garbage and make each of them a pause.
 */
export class Slab {
  /** References to messages in it: the ring's, and the one of the topic's last message. */
  holders = 0;
  /** Memory that it takes, bytes. */
  readonly footprint: number;
  private used = 0;

  constructor(private bytes: Buffer) {
    this.footprint = bytes.length + ownBytes;
  }

  hasRoomFor(size: number): boolean {
    return this.bytes.length - this.used >= size;
  }

  /** Whether most of it is of other messages than one of this size. */
  isMostlyOthers(size: number): boolean {
    return this.bytes.length > 2 * size;
  }

  /** @returns where it begins */
  write(text: string, size: number): number {
    const from = this.used;
    this.bytes.write(text, from, size, 'utf8');
    this.used += size;
    return from;
  }

  read(from: number, size: number): string {
    return this.bytes.toString('utf8', from, from + size);
  }

  /** Gives its bytes up. */
  surrender(): Buffer {
    const { bytes } = this;
    this.bytes = nothing;
    return bytes;
  }
}

/**
 * Where slabs come from, and go to once nobody holds a message in them: memory outside of the heap that is given up for the
 * collector to find makes V8 collect the whole heap every 64 MB, however little of it is garbage.
 */
export class SlabPool {
  /** Memory that waits to be used again, bytes. */
  spareBytes = 0;
  /** Slabs for which there was no spare memory. */
  allocated = 0;
  /** By size, in the order in which slabs of it were last asked for. */
  private readonly spare = new Map<number, Buffer[]>();

  /** @param maxSpareBytes beyond, memory is left to the collector */
  constructor(private readonly maxSpareBytes: number) {}

  /** @param heldBytes by the topic: what is allocated ahead is a part of it */
  take(size: number, heldBytes: number): Slab {
    const ahead = Math.min(
      maxSharedBytes,
      Math.max(Math.min(heldBytes, sharedBytes), Math.floor(heldBytes / 8)),
    );
    const shared = ahead < sharedBytes ? ahead : 2 ** Math.floor(Math.log2(ahead));
    const capacity = Math.max(shared, isReused(size) ? roundedUp(size) : size);
    const bytes = isReused(capacity) ? this.takeSpare(capacity) : undefined;
    if (bytes !== undefined) return new Slab(bytes);
    this.allocated++;
    // One of its own: a part of Node's pool would keep its neighbours alive.
    return new Slab(Buffer.allocUnsafeSlow(capacity));
  }

  /** Nobody reads from it any more. */
  giveBack(slab: Slab): void {
    const bytes = slab.surrender();
    if (!isReused(bytes.length) || !this.makeRoom(bytes.length)) return;
    this.spareBytes += bytes.length;
    // It was asked for before it is given back.
    this.spare.get(bytes.length)!.push(bytes);
  }

  private takeSpare(capacity: number): Buffer | undefined {
    const some = this.spare.get(capacity) ?? [];
    this.spare.delete(capacity);
    this.spare.set(capacity, some);
    const bytes = some.pop();
    if (bytes !== undefined) this.spareBytes -= capacity;
    return bytes;
  }

  /** For a slab of this size, sizes that were last asked for before it give way. @returns whether there is room */
  private makeRoom(size: number): boolean {
    if (size > this.maxSpareBytes) return false;
    for (const [length, some] of this.spare) {
      if (length === size) break;
      while (some.length > 0 && this.spareBytes + size > this.maxSpareBytes) {
        some.pop();
        this.spareBytes -= length;
      }
    }
    return this.spareBytes + size <= this.maxSpareBytes;
  }
}

const isReused = (size: number): boolean => size >= sharedBytes && size <= maxSharedBytes;

/** To the next power of two, or quarter of the way to it. */
function roundedUp(size: number): number {
  const step = 2 ** (Math.ceil(Math.log2(size)) - 3);
  return Math.ceil(size / step) * step;
}
