/** Hash slots that topics are spread over: one channel and one Lua call per shard, whole inside a cluster's slot. */
export const shardCount = 16;

/**
 * Begins every name in Redis. Channels are not part of a logical database, so the number keeps apart what shares a
 * server.
 */
export const namespaceOf = (url: string): string => `tidewatch:${/\/(\d+)$/.exec(url)?.[1] ?? '0'}:`;

/** Names of everything the broker keeps in Redis. A namespace keeps apart what shares a server. */
export class RedisKeys {
  constructor(private readonly namespace: string) {}

  shardOf(topic: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < topic.length; i++) {
      hash = Math.imul(hash ^ topic.charCodeAt(i), 0x01000193);
    }
    return (hash >>> 0) % shardCount;
  }

  /** Hash: `e`poch, `o`ffset, and the last message (`t`ime, `b`ody). */
  meta(topic: string): string {
    return `${this.tag(this.shardOf(topic))}:meta:${topic}`;
  }

  /** Stream: the recent messages; the offset is the id. */
  history(topic: string): string {
    return `${this.tag(this.shardOf(topic))}:history:${topic}`;
  }

  /** Set: topics of the shard that Redis knows, and some that it has forgotten since. */
  topics(shard: number): string {
    return `${this.tag(shard)}:topics`;
  }

  /** What a process has published last and where it landed, so that a repeated call publishes nothing twice. */
  seen(shard: number, origin: string): string {
    return `${this.tag(shard)}:seen:${origin}`;
  }

  channel(shard: number): string {
    return `${this.tag(shard)}:messages`;
  }

  private tag(shard: number): string {
    return `${this.namespace}{${shard}}`;
  }
}
