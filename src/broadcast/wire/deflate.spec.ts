import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { Deflater, deflateMessage, InflateBudget, inflateMessage, maxInflateBytes } from './deflate.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const say = (text: string): [string, Buffer] => [text, Buffer.from(text)];

describe('Deflater', () => {
  it('makes messages that inflate to the same, each by itself', () => {
    for (const size of [1, 1_000, 100_000]) {
      const payload = Buffer.from(randomBytes(size).toString('hex'));
      expect(inflateMessage(deflateMessage(payload), 1_000_000)).toEqual(payload);
    }
  });

  it('deflates a text once per turn, however many lanes send it', async () => {
    const deflater = new Deflater();
    const text = 'again and again '.repeat(1_000);
    const first = deflater.deflate(...say(text));
    expect(deflater.deflate(...say(text))).toBe(first);
    await turn();
    expect(deflater.deflate(...say(text))).not.toBe(first);
  });

  it('stops when a turn has had enough, and goes on in the next', async () => {
    const deflater = new Deflater();
    const results = Array.from({ length: 5 }, (_, i) => deflater.deflate(...say(`${i}`.repeat(100_000))));
    expect(results.map((bytes) => bytes !== undefined)).toEqual([true, true, false, false, false]);
    await turn();
    expect(deflater.deflate(...say('4'.repeat(100_000)))).toBeDefined();
  });
});

describe('inflateMessage', () => {
  it('reads what follows a final block, and no more of them than a message has use for', () => {
    const final = (text: string) => deflateRawSync(text);
    expect(
      String(inflateMessage(Buffer.concat([final('one '), deflateMessage(Buffer.from('two'))]), 100)),
    ).toBe('one two');
    // The empty block that stands for it where a message ends with one.
    expect(String(inflateMessage(Buffer.concat([final('alone'), Buffer.alloc(1)]), 100))).toBe('alone');
    expect(String(inflateMessage(final('bare'), 100))).toBe('bare');
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => final('')));
    expect(inflateMessage(many, 100)).toMatchObject({ code: 1007 });
    const long = Buffer.concat([final('x'.repeat(80)), final('y'.repeat(80))]);
    expect(inflateMessage(long, 100)).toMatchObject({ code: 1009 });
  });

  it('stops at the limit whatever the message would become, and tells what is no deflate at all', () => {
    const bomb = deflateMessage(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(400_000);
    expect(inflateMessage(bomb, 1_000)).toMatchObject({ code: 1009 });
    expect(inflateMessage(bomb, 2 ** 30)).toMatchObject({ code: 1009 });
    expect(inflateMessage(deflateMessage(Buffer.alloc(maxInflateBytes)), 2 ** 30)).toHaveLength(
      maxInflateBytes,
    );
    expect(inflateMessage(Buffer.from('not deflated'), 1_000)).toMatchObject({ code: 1007 });
  });
});

describe('InflateBudget', () => {
  it('takes a burst, then a rate', () => {
    const budget = new InflateBudget();
    const megabytes = (count: number, nowMs: number) =>
      Array.from({ length: count }, () => budget.spend(2 ** 20, nowMs)).every(Boolean);
    expect(megabytes(16, 1_000)).toBe(true);
    expect(megabytes(1, 1_000)).toBe(false);
    expect(megabytes(7, 2_000)).toBe(true);
    expect(megabytes(1, 2_000)).toBe(false);
  });
});
