/** The fields of an `INFO` reply, by name. */
export type RedisInfo = ReadonlyMap<string, string>;

/** Parses `INFO`: `name:value` lines, `# Section` headings and blank lines between them. */
export function parseRedisInfo(reply: string): RedisInfo {
  const fields = new Map<string, string>();
  for (const line of reply.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** A numeric field; `null` when this server does not report it. */
export function infoNumber(info: RedisInfo, name: string): number | null {
  const text = info.get(name);
  if (text === undefined || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** What `INFO` says about memory. `null` where the server does not say, or the figure is undefined. */
export interface RedisMemory {
  readonly usedBytes: number | null;
  readonly peakBytes: number | null;
  readonly rssBytes: number | null;
  /** `maxmemory`; `null` when there is no limit. */
  readonly limitBytes: number | null;
  /** Resident over used memory. Means little below some 64 MB, where the binary itself dominates. */
  readonly fragmentationRatio: number | null;
  /** Used over resident memory: the share of what the machine gives that holds data. */
  readonly efficiencyRatio: number | null;
  readonly evictedKeys: number | null;
  readonly expiredKeys: number | null;
  readonly keyspaceHits: number | null;
  readonly keyspaceMisses: number | null;
  /** Hits over look-ups since the server's start; `null` before the first look-up. */
  readonly hitRatio: number | null;
  readonly policy: string | null;
}

/** @param info `INFO` with at least the sections `memory` and `stats` */
export function redisMemoryOf(info: RedisInfo): RedisMemory {
  const number = (name: string) => infoNumber(info, name);
  const used = number('used_memory');
  const rss = number('used_memory_rss');
  const limit = number('maxmemory');
  const hits = number('keyspace_hits');
  const misses = number('keyspace_misses');
  return {
    usedBytes: used,
    peakBytes: number('used_memory_peak'),
    rssBytes: rss,
    limitBytes: limit === 0 ? null : limit,
    fragmentationRatio: number('mem_fragmentation_ratio') ?? ratio(rss, used),
    efficiencyRatio: ratio(used, rss),
    evictedKeys: number('evicted_keys'),
    expiredKeys: number('expired_keys'),
    keyspaceHits: hits,
    keyspaceMisses: misses,
    hitRatio: hits === null || misses === null ? null : ratio(hits, hits + misses),
    policy: info.get('maxmemory_policy') ?? null,
  };
}

const ratio = (over: number | null, under: number | null): number | null =>
  over === null || under === null || under === 0 ? null : over / under;
