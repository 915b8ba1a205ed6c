import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Publication } from './publication.js';
import { type Slab, SlabPool } from './slab.js';
import { TopicLog } from './topic-log.js';

const limits = { maxMessages: 20, maxAgeMs: 1_000 };

describe('what a topic remembers', () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ append: fc.string({ unit: 'binary', maxLength: 2_000 }), waitMs: fc.nat(120) }),
    },
    { weight: 1, arbitrary: fc.constant('halve' as const) },
    { weight: 1, arbitrary: fc.constant('lose' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant('giveUpLast' as const) },
    { weight: 1, arbitrary: fc.constant('readOlder' as const) },
    { weight: 1, arbitrary: fc.constant('toNobody' as const) },
  );

  it('is given back as it was published, and costs the slabs that hold it, which are a part more than the messages', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pool = new SlabPool(8_192);
        const log = new TopicLog('custom.a', 'e', pool);
        log.retained = true;
        // What one topic gives up is written over by the other.
        const other = new TopicLog('custom.b', 'e', pool);
        other.retained = true;
        const lent = new Map<Publication, string>();
        let tsMs = 0;
        let counted = 0;
        const published = new Map<number, string>();
        const publication = (offset: number, data: unknown, lostFrom: number | null = null): Publication => {
          const json = JSON.stringify(data);
          published.set(offset, json);
          return lostFrom === null
            ? Publication.of(log.name, log.prefix, offset, tsMs, data)
            : Publication.fromJson(log.name, log.prefix, offset, tsMs, json, lostFrom);
        };
        const append = (made: Publication): void => {
          if (made.offset % 5 === 0) {
            made.keepReadable();
            lent.set(made, made.body);
          }
          counted += log.append(made, limits);
          made.release();
          const written = Publication.of(other.name, other.prefix, other.offset + 1, tsMs, 'x'.repeat(700));
          other.append(written, { ...limits, maxMessages: 5 });
          written.release();
        };
        for (const action of steps) {
          if (action === 'halve') counted += log.halve();
          else if (action === 'restart') {
            const before = log.bytes;
            log.restart('f', log.offset);
            counted += log.bytes - before;
          } else if (action === 'lose') append(publication(log.offset + 3, 'after a loss', log.offset + 1));
          else if (action === 'toNobody') {
            log.retained = false;
            append(publication(log.offset + 1, 'to nobody'));
            log.retained = true;
          } else if (action === 'giveUpLast') {
            if (log.size === 0) counted += log.holdLast(null);
          } else if (action === 'readOlder') {
            const from = (log.oldest ?? log.offset + 1) - 1;
            const before = log.bytes;
            if (from > 0) log.prepend([publication(from, { read: 'äöü' })]);
            counted += log.bytes - before;
          } else {
            tsMs += action.waitMs;
            append(publication(log.offset + 1, { text: action.append }));
          }

          const kept = log.size === 0 ? [] : log.after({ epoch: log.epoch, offset: log.oldest! - 1 });
          expect(kept).toHaveLength(log.size);
          // Without a hole, up to the newest: nobody who resumes misses a message without being told.
          if (log.size > 0) expect((kept as readonly Publication[]).at(-1)!.offset).toBe(log.offset);
          if (log.size > 0) expect(log.size).toBe(log.offset - log.oldest! + 1);
          const slabs = new Set<Slab>();
          for (const message of kept as readonly Publication[]) {
            expect(message.body).toBe(published.get(message.offset));
            expect(message.data).toEqual(JSON.parse(message.body));
            slabs.add(message.slab!);
          }
          if (log.last?.slab) slabs.add(log.last.slab);
          for (const [message, body] of lent) expect(message.body).toBe(body);
          expect(pool.spareBytes).toBeLessThanOrEqual(8_192);
          const held = [...slabs].reduce((total, { footprint }) => total + footprint, 0);
          expect(log.bytes).toBe(held);
          expect(counted).toBe(held);
        }
      }),
    );
  });

  const filled = (messages: number, maxMessages = 1_000): { log: TopicLog; pool: SlabPool; size: number } => {
    const pool = new SlabPool(64 * 1024);
    const log = new TopicLog('custom.a', 'e', pool);
    log.retained = true;
    for (let n = 1; n <= messages; n++) {
      const publication = Publication.of(log.name, log.prefix, n, n, { n });
      log.append(publication, { maxMessages, maxAgeMs: 1_000_000 });
      publication.release();
    }
    return { log, pool, size: log.last!.size };
  };

  it('takes little more than its messages where there are many, however small they are', () => {
    const { log, size } = filled(10_000);
    expect(log.size).toBe(1_000);
    expect(log.bytes / (1_000 * size)).toBeLessThan(1.5);
    expect(filled(6).log.bytes).toBeLessThan(2_500);
  });

  it('gives up no more of its messages than of its bytes when it is halved', () => {
    const { log } = filled(1_000);
    const before = log.bytes;
    log.halve();
    expect(log.bytes).toBeLessThanOrEqual(before / 2);
    expect(log.size).toBeGreaterThan(300);
  });

  it('holds its last message alone once the others have aged, and still knows it', () => {
    const { log, size } = filled(1_000);
    log.trimOlderThan(1_000_000);
    expect([log.size, log.last?.body]).toEqual([0, '{"n":1000}']);
    expect(log.bytes).toBeLessThan(size + 400);
  });

  it('never gives a message that it has let go as another one', () => {
    const { log } = filled(1);
    const { last } = log;
    log.trimOlderThan(1_000_000);
    log.append(Publication.of(log.name, log.prefix, 2, 2, 'next'), limits);
    log.trimOlderThan(1_000_000);
    expect(() => last!.body).toThrow('message 1 of custom.a is not kept any more');
  });

  it('uses the memory of what it has dropped again', () => {
    const { log, pool } = filled(1_000);
    const before = pool.allocated;
    for (let n = 0; n < 10_000; n++) {
      const publication = Publication.of(log.name, log.prefix, log.offset + 1, log.offset + 1, { n });
      log.append(publication, { maxMessages: 1_000, maxAgeMs: 1_000_000 });
      publication.release();
    }
    expect(pool.allocated - before).toBeLessThan(5);
  });

  it('keeps memory of the sizes that were asked for last', () => {
    const pool = new SlabPool(64 * 1024);
    const take = (count: number, heldBytes: number): Slab[] =>
      Array.from({ length: count }, () => pool.take(100, heldBytes));
    const giveBack = (slabs: readonly Slab[]): void => {
      for (const slab of slabs) pool.giveBack(slab);
    };
    const small = take(64, 2_048);
    giveBack(small.slice(0, 32));
    expect(pool.spareBytes).toBe(64 * 1024);
    // The small ones make room for the large ones…
    giveBack(take(8, 64 * 1024));
    expect(pool.spareBytes).toBe(64 * 1024);
    const before = pool.allocated;
    const large = take(8, 64 * 1024);
    expect(pool.allocated).toBe(before);
    // … and not the other way round, however many come back.
    giveBack(large);
    giveBack(small.slice(32));
    take(8, 64 * 1024);
    expect(pool.allocated).toBe(before);
  });

  it('has few sizes for large messages, none of them a quarter too large', () => {
    const pool = new SlabPool(1024 * 1024);
    const sizes = new Set<number>();
    for (let size = 2_048; size <= 64 * 1024; size += 13) {
      const { footprint } = pool.take(size, 0);
      sizes.add(footprint);
      expect(footprint).toBeGreaterThanOrEqual(size);
      expect(footprint - pool.take(0, 0).footprint).toBeLessThan(size * 1.25 + 1);
    }
    expect(sizes.size).toBeLessThan(25);
  });

  it('keeps what a policy has parsed until the next message comes, and no longer', () => {
    const { log } = filled(1);
    const { last } = log;
    const parsed = last!.data;
    expect(last!.data).toBe(parsed);
    log.append(Publication.of(log.name, log.prefix, 2, 2, 'next'), limits);
    expect(last!.data).toEqual(parsed);
    expect(last!.data).not.toBe(parsed);
  });
});
