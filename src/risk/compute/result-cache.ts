interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** Results by content hash; the least recently used leave when the bytes run out. */
export class ResultCache {
  hits = 0;
  misses = 0;
  evictions = 0;
  private readonly entries = new Map<string, Entry>();
  private used = 0;

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    return this.used;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: string): unknown {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    // A Map keeps insertion order: the newest use goes to the end.
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: unknown): void {
    const bytes = 200 + sizeOf(value);
    const old = this.entries.get(key);
    if (old) this.drop(key, old);
    if (bytes > this.maxBytes) return;
    this.entries.set(key, { value, bytes });
    this.used += bytes;
    for (const [oldest, entry] of this.entries) {
      if (this.used <= this.maxBytes) break;
      this.drop(oldest, entry);
      this.evictions++;
    }
  }

  private drop(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.used -= entry.bytes;
  }
}

/** Approximate heap bytes of a plain result. */
function sizeOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return 100 + value.byteLength;
  if (Array.isArray(value)) return value.reduce<number>((sum, v) => sum + sizeOf(v), 32);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).reduce((sum, [k, v]) => sum + 16 + k.length + sizeOf(v), 32);
  }
  return typeof value === 'string' ? 16 + value.length * 2 : 8;
}
