import type { Slab } from './slab.js';

/** The constant beginning of a topic's messages. */
export const messagePrefix = (topic: string): string =>
  `{"type":"message","topic":${JSON.stringify(topic)},"offset":`;

/** Where a message stands in its topic. Offsets have no holes within an epoch. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/**
 * One message of one topic. Its data is turned into JSON at most once, when the first receiver or the history needs it, and is
 * in a history as bytes, which whoever comes later reads; a message that came as JSON (from another node) is parsed only
 * when a policy looks inside.
 */
export class Publication {
  private json: string | undefined;
  private value: unknown;
  private parsed: boolean;
  /** Where its JSON is kept once it is in a history. */
  slab: Slab | null = null;
  private slabFrom = 0;
  private slabSize = 0;
  /** References of its topic's log to it: as the last message, and in the ring. */
  private holders = 0;
  /** Others than its topic's log who will read it later. */
  private readers = 0;
  /** Place among everything that this process has published or heard; given by its history. */
  seq = 0;

  private constructor(
    readonly topic: string,
    private readonly prefix: string,
    readonly offset: number,
    readonly tsMs: number,
    value: unknown,
    json: string | undefined,
    /** First offset that is lost between the message before and this one; `null` when none is. */
    readonly lostFrom: number | null,
  ) {
    this.value = value;
    this.json = json;
    this.parsed = json === undefined;
  }

  /** @param json the same data as JSON, where it is known already */
  static of(
    topic: string,
    prefix: string,
    offset: number,
    tsMs: number,
    data: unknown,
    json?: string,
  ): Publication {
    const publication = new Publication(topic, prefix, offset, tsMs, data, json, null);
    publication.parsed = true;
    return publication;
  }

  static fromJson(
    topic: string,
    prefix: string,
    offset: number,
    tsMs: number,
    json: string,
    lostFrom: number | null = null,
  ): Publication {
    return new Publication(topic, prefix, offset, tsMs, undefined, json, lostFrom);
  }

  get body(): string {
    if (this.json !== undefined) return this.json;
    if (this.slab !== null) return this.slab.read(this.slabFrom, this.slabSize);
    // Its slab may be another topic's by now. Rather no message than somebody else's.
    if (!this.parsed) throw new Error(`message ${this.offset} of ${this.topic} is not kept any more`);
    this.json = JSON.stringify(this.value) ?? 'null';
    return this.json;
  }

  /** Length of the JSON: bytes in a history, else characters. */
  get size(): number {
    return this.slab === null ? this.body.length : this.slabSize;
  }

  /** Keeps the JSON in a slab as well, which has room for it, and no longer in the one before. @param size of the JSON, bytes */
  keepIn(slab: Slab, size: number): void {
    this.slabFrom = slab.write(this.body, size);
    this.slabSize = size;
    if (this.slab !== null) this.slab.holders -= this.holders;
    slab.holders += this.holders;
    this.slab = slab;
  }

  /** Its topic's log refers to it once more. */
  hold(): void {
    this.holders++;
    if (this.slab !== null) this.slab.holders++;
  }

  /** …and once less: with the last reference it leaves its slab. */
  letGo(): void {
    this.holders--;
    if (this.slab === null) return;
    this.slab.holders--;
    if (this.holders > 0) return;
    if (this.readers > 0) this.json ??= this.slab.read(this.slabFrom, this.slabSize);
    this.slab = null;
  }

  /** To be called by whoever will read it after the call in which it was given: what its topic forgets stays readable. */
  keepReadable(): void {
    this.readers++;
  }

  /** …and by whoever will not, after all. */
  needNotRead(): void {
    this.readers--;
  }

  /** What a slab keeps is not kept as a string and as objects as well: when everybody has had it, and when a newer one has come. */
  release(): void {
    if (this.slab === null) return;
    this.json = undefined;
    this.value = undefined;
    this.parsed = false;
  }

  get data(): unknown {
    if (this.parsed) return this.value;
    this.value = JSON.parse(this.body);
    this.parsed = true;
    return this.value;
  }

  /** The message as clients get it. */
  text(skippedFrom: number | null = this.lostFrom): string {
    return `${this.prefix}${this.offset}${this.skipped(skippedFrom)},"ts":${this.tsMs},"data":${this.body}}`;
  }

  /** The message as a merge patch on the one at offset `base`. */
  patchText(base: number, patch: string, skippedFrom: number | null = this.lostFrom): string {
    return `${this.prefix}${this.offset}${this.skipped(skippedFrom)},"base":${base},"ts":${this.tsMs},"patch":${patch}}`;
  }

  private skipped(from: number | null): string {
    return from === null || from >= this.offset ? '' : `,"skipped":{"from":${from},"to":${this.offset - 1}}`;
  }
}
