import { setTimeout as pause } from 'node:timers/promises';
import { type Position, Publication } from '../publication.js';
import type { TopicLog } from '../topic-log.js';
import type { Epochs, History } from './history.js';
import type { Mirror } from './mirror.js';
import type { Outbox } from './outbox.js';
import { type RedisKeys, shardCount } from './redis-keys.js';
import type { RedisLink, StreamEntry } from './redis-link.js';
import { keepEveryMs, keepMs } from './redis-scripts.js';

/** How long a hole in the offsets may be the network's doing before it is looked up, ms. */
export const holeMs = 50;
/** Calls for many topics that Redis is given at once. */
const maxAtOnce = 500;
/** Topics that one audit compares. */
const auditTopics = 1_000;

/** What is done with what Redis says. */
export interface CatchUpListener {
  /** The next message of a topic; those from `lostFrom` up to it are lost. */
  append(log: TopicLog, offset: number, tsMs: number, body: string, lostFrom: number | null): void;
  /** Redis has forgotten the topic and begun again. */
  restarted(mirror: Mirror, position: Position): void;
  /** The mirror is where Redis stands: what arrived ahead can follow. */
  inStep(mirror: Mirror): void;
}

/** Reads from Redis where topics stand and what this process has not heard of them. */
export class RedisCatchUp {
  /** Where the next audit begins. */
  private audited = 0;

  constructor(
    private readonly keys: RedisKeys,
    private readonly link: RedisLink,
    private readonly history: History,
    private readonly outbox: Outbox,
    private readonly epochs: Epochs,
    private readonly on: CatchUpListener,
  ) {}

  /** Asks something of every shard, so that a master of a cluster that is frozen is noticed. */
  async probe(): Promise<void> {
    const { keys, link } = this;
    const asked = Array.from({ length: shardCount }, (_, shard) => link.redis.exists(keys.topics(shard)));
    await link.promptly(Promise.all(asked));
  }

  /** Where a topic stands, with an epoch made if it has none. */
  async opened({ name, prefix }: TopicLog): Promise<Position & { last: Publication | null }> {
    const { keys, link } = this;
    const call = link.redis.tidewatchOpen(
      3,
      keys.meta(name),
      keys.history(name),
      keys.topics(keys.shardOf(name)),
      this.newEpoch(),
      name,
    );
    const [epoch, reached, tsMs, body] = await link.promptly(call);
    const offset = Number(reached);
    const last = body === '' ? null : Publication.fromJson(name, prefix, offset, Number(tsMs), body);
    return { epoch, offset, last };
  }

  /** Reads what a client that stands at a position has missed, as far as Redis remembers it. */
  async reach(mirror: Mirror, since: Position): Promise<void> {
    const { log } = mirror;
    // The client may come from a node that is a moment ahead of this one.
    const isAhead = since.epoch === log.epoch && since.offset > log.offset;
    if (isAhead && mirror.state === 'live') await this.fill(mirror);
    if (log.lossSince(since) !== 'history_lost' || mirror.state !== 'live') return;
    log.retained = true;
    log.lastFollowedMs = mirror.askedMs;
    if (mirror.reaching === null || mirror.reaching.from > since.offset) {
      const reaching = { from: since.offset, done: this.readOlder(log, since.offset) };
      mirror.reaching = reaching;
      reaching.done = reaching.done.finally(() => {
        // Another client has asked for more meanwhile.
        if (mirror.reaching === reaching) mirror.reaching = null;
      });
    }
    await mirror.reaching.done;
  }

  /** Puts what Redis remembers after an offset in front of what is known here. */
  private async readOlder(log: TopicLog, from: number): Promise<void> {
    const { epoch } = log;
    const read = await this.readHistory(log.name, from + 1, firstKnown(log) - 1);
    // Meanwhile the topic has gone on, and another reading may have put some of them there.
    const known = firstKnown(log);
    const older = read.filter(({ offset }) => offset < known);
    if (log.epoch !== epoch || older.at(-1)?.offset !== known - 1) return;
    this.history.prepend(
      log,
      older.map((line) => Publication.fromJson(log.name, log.prefix, line.offset, line.tsMs, line.body)),
    );
  }

  /** Brings a live topic to where Redis stands, and names what Redis does not have any more. */
  async fill(mirror: Mirror): Promise<void> {
    const { log } = mirror;
    const { epoch } = log;
    const [[nowEpoch, nowOffset, time, body], lines] = await Promise.all([
      this.link.redis.hmget(this.keys.meta(log.name), 'e', 'o', 't', 'b'),
      this.readHistory(log.name, log.offset + 1, '+'),
    ]);
    if (mirror.state !== 'live' || log.epoch !== epoch || nowEpoch == null) return;
    const reached = Number(nowOffset);
    if (nowEpoch === epoch && reached < log.offset) {
      await this.renew(mirror, reached);
      return;
    }
    if (nowEpoch !== epoch) {
      const fresh = await this.readHistory(log.name, 1, '+');
      if (mirror.state !== 'live' || log.epoch !== epoch) return;
      this.on.restarted(mirror, { epoch: nowEpoch, offset: (fresh[0]?.offset ?? reached + 1) - 1 });
      lines.splice(0, lines.length, ...fresh);
    }
    const take = (offset: number, tsMs: number, text: string): void => {
      if (offset <= log.offset) return;
      this.on.append(log, offset, tsMs, text, offset === log.offset + 1 ? null : log.offset + 1);
    };
    for (const line of lines) take(line.offset, line.tsMs, line.body);
    // The history is gone: the newest message is still known, and says what is lost before it.
    if (body != null) take(reached, Number(time), body);
    mirror.held = mirror.held.filter((line) => line.epoch === log.epoch);
    this.on.inStep(mirror);
  }

  /** Delivers, still under the local epoch, what the other nodes have published while Redis was away. */
  async fillAlone(mirror: Mirror): Promise<void> {
    const { log, remote } = mirror;
    const { epoch, offset } = await this.opened(log);
    // In a new epoch everything is new; where Redis was never heard before, nothing was missed.
    const from = remote === null ? null : remote.epoch === epoch ? remote.offset + 1 : 1;
    const lines = from === null ? [] : await this.readHistory(log.name, from, '+');
    const first = lines[0]?.offset ?? offset + 1;
    mirror.lost = from === null || remote?.epoch !== epoch ? null : first - from;
    for (const line of lines) {
      if (this.outbox.wasDelivered(log.name, line.origin, line.number)) continue;
      this.on.append(log, log.offset + 1, line.tsMs, line.body, null);
    }
    mirror.remote = { epoch, offset: lines.at(-1)?.offset ?? offset };
  }

  /**
   * Compares positions with Redis: the last message of a topic may be the one that was not heard. Where there are more
   * topics than one round takes, the next round goes on where this one ends. Redis keeps what is followed.
   */
  async audit(mirrors: readonly Mirror[], nowMs: number): Promise<void> {
    const from = this.audited < mirrors.length ? this.audited : 0;
    const part = mirrors.slice(from, from + auditTopics);
    this.audited = from + part.length;
    await inBatches(part, async (mirror) => {
      const meta = this.keys.meta(mirror.log.name);
      const offset = Number(await this.link.redis.hget(meta, 'o'));
      if (nowMs - mirror.keptMs >= keepEveryMs) {
        mirror.keptMs = nowMs;
        await this.link.redis.pexpire(meta, keepMs(offset));
      }
      if (offset <= mirror.log.offset) return;
      await pause(holeMs);
      if (offset > mirror.log.offset) await this.fill(mirror);
    });
  }

  /** Redis came back with less than it had given out. */
  private async renew(mirror: Mirror, reached: number): Promise<void> {
    const { log } = mirror;
    const { epoch } = log;
    const renewed = await this.link.redis.tidewatchRenew(
      2,
      this.keys.meta(log.name),
      this.keys.history(log.name),
      epoch,
      this.newEpoch(),
      log.offset,
    );
    if (log.epoch === epoch && renewed !== epoch)
      this.on.restarted(mirror, { epoch: renewed, offset: reached });
  }

  private newEpoch(): string {
    return `${this.outbox.origin}.${this.epochs.next()}`;
  }

  private async readHistory(topic: string, from: number, to: number | '+'): Promise<RememberedLine[]> {
    const last = to === '+' ? '+' : `${to}-0`;
    const entries = await this.link.redis.xrange(this.keys.history(topic), `${from}-0`, last);
    return (entries as StreamEntry[]).map(readEntry);
  }
}

/** Offset of the oldest message that is known here, or of the next that will be. */
const firstKnown = (log: TopicLog): number => log.oldest ?? log.offset + 1;

/** Does something for each of many, {@link maxAtOnce} at a time. */
export async function inBatches<T>(items: readonly T[], act: (item: T) => unknown): Promise<void> {
  for (let from = 0; from < items.length; from += maxAtOnce) {
    await Promise.all(items.slice(from, from + maxAtOnce).map(act));
  }
}

interface RememberedLine {
  readonly offset: number;
  readonly tsMs: number;
  readonly body: string;
  readonly origin: string;
  readonly number: number;
}

function readEntry([id, fields]: StreamEntry): RememberedLine {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  return {
    offset: Number(id.slice(0, id.indexOf('-'))),
    tsMs: Number(values.get('t')),
    body: values.get('b') ?? 'null',
    origin: values.get('g') ?? '',
    number: Number(values.get('n')),
  };
}
