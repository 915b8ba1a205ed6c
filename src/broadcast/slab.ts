/** Largest slab that several messages share, bytes. */
const maxSharedBytes = 64 * 1024;
/** So much is allocated ahead for a topic that holds as much already: small messages are not to have a slab each. */
const sharedBytes = 2_048;
/** What a slab costs beside its bytes: three objects and the entry of an allocator. */
const ownBytes = 320;

/**
 * The JSON of neighbouring messages of one topic, as bytes outside of the heap: thousands of strings that live for seconds
 * are copied by every collection of garbage and make each of them a pause.
 */
export class Slab {
  /** References to messages in it: the ring's, and the one of the topic's last message. */
  holders = 0;
  private readonly bytes: Buffer;
  private used = 0;

  private constructor(capacity: number) {
    // One of its own: a part of Node's pool would keep its neighbours alive.
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** @param heldBytes by the topic: what is allocated ahead is a part of it */
  static for(size: number, heldBytes: number): Slab {
    const ahead = Math.max(Math.min(heldBytes, sharedBytes), heldBytes / 8);
    return new Slab(Math.max(size, Math.min(maxSharedBytes, Math.floor(ahead))));
  }

  /** Memory that it takes, bytes. */
  get footprint(): number {
    return this.bytes.length + ownBytes;
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
}
