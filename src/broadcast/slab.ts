/** Largest slab that several messages share, bytes. */
const maxSharedBytes = 64 * 1024;

/**
 * The JSON of neighbouring messages of one topic, as bytes outside of the heap: thousands of strings that live for seconds
 * are copied by every collection of garbage and make each of them a pause.
 */
export class Slab {
  /** References to messages in it: the ring's, and the one of the topic's last message. */
  holders = 0;
  private readonly bytes: Buffer;
  private used = 0;

  private constructor(readonly capacity: number) {
    // One of its own: a part of Node's pool would keep its neighbours alive.
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** @param heldBytes by the topic: what is allocated ahead is a part of it */
  static for(size: number, heldBytes: number): Slab {
    return new Slab(Math.max(size, Math.min(maxSharedBytes, Math.floor(heldBytes / 4))));
  }

  hasRoomFor(size: number): boolean {
    return this.capacity - this.used >= size;
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
