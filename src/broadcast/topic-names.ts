/** Names that are remembered; beyond, they are put together anew. */
const maxNames = 100_000;

/** Topics of one root by their last part: the same string each time, of which a map need not find the hash anew. */
export class TopicNames {
  readonly prefix: string;
  private readonly known = new Map<string, string>();

  constructor(root: string) {
    this.prefix = `${root}.`;
  }

  of(name: string): string {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (this.known.size >= maxNames) this.known.clear();
    const topic = this.prefix + name;
    this.known.set(name, topic);
    return topic;
  }
}
