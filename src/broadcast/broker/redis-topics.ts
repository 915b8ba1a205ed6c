import { type RedisKeys, shardCount } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';

/** Names that one step through the topics of a shard looks at. */
const scanNames = 1_000;

/** Which topics Redis knows. It forgets their positions by itself, and their names when somebody looks at them. */
export class RedisTopics {
  /** The shard that is looked through next. */
  private next = 0;

  constructor(
    private readonly keys: RedisKeys,
    private readonly link: RedisLink,
  ) {}

  /** The topics of a family: at most `max`, and how many there are beyond. */
  async of(family: string, max: number): Promise<{ topics: readonly string[]; beyond: number }> {
    const prefix = family.slice(0, -1);
    const all = new Set<string>();
    const shards = Array.from({ length: shardCount }, (_, shard) =>
      this.scan(shard, async (names) => {
        const inside = names.filter((name) => name.startsWith(prefix));
        for (const name of await this.known(shard, inside)) all.add(name);
      }),
    );
    await Promise.all(shards);
    return { topics: [...all].slice(0, max), beyond: Math.max(0, all.size - max) };
  }

  /** Takes the names of topics that Redis has forgotten out of one shard; of the next one when called again. */
  async trim(): Promise<void> {
    const shard = this.next;
    this.next = (shard + 1) % shardCount;
    await this.scan(shard, (names) => this.known(shard, names));
  }

  private async scan(shard: number, look: (names: string[]) => Promise<unknown>): Promise<void> {
    let cursor = '0';
    do {
      const asked = this.link.redis.sscan(this.keys.topics(shard), cursor, 'COUNT', scanNames);
      const [next, names] = await this.link.promptly(asked);
      await look(names);
      cursor = next;
    } while (cursor !== '0');
  }

  private async known(shard: number, names: readonly string[]): Promise<readonly string[]> {
    if (names.length === 0) return names;
    const keys = [this.keys.topics(shard), ...names.map((name) => this.keys.meta(name))];
    return this.link.promptly(this.link.redis.tidewatchKnown(keys.length, ...keys, ...names));
  }
}
