import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as ws from 'ws';
import { deflateMessage, inflateMessage } from './deflate.js';
import { type Fault, FrameReader, type FrameSink, type ReadState } from './frame-reader.js';
import { closeFrame, frame, opcode, textFrames } from './frames.js';

/** The halves of `ws`'s own protocol code, which its types leave out. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (options: object) => NodeJS.WritableStream;
  Sender: { frame(data: Buffer, options: Record<string, unknown>): Buffer[] };
};

type Seen = ['text' | 'binary' | 'ping' | 'pong' | 'close', string];

/** What `ws` would send for one frame, masked as a client must. */
function clientFrame(
  payload: Buffer,
  { code = 1, fin = true, rsv1 = false }: { code?: number; fin?: boolean; rsv1?: boolean } = {},
): Buffer {
  const parts = Sender.frame(Buffer.from(payload), { opcode: code, fin, rsv1, mask: true, readOnly: true });
  return Buffer.concat(parts);
}

function reading(maxPayload = 1 << 20) {
  const seen: Seen[] = [];
  const state: ReadState = { partial: null, fragments: null };
  const reader = new FrameReader(maxPayload);
  const sink: FrameSink = {
    // What follows a close frame is not looked at.
    get wantsMore() {
      return seen.at(-1)?.[0] !== 'close';
    },
    onText: (bytes, from, to) => seen.push(['text', bytes.toString('utf8', from, to)]),
    onBinary: (bytes, from, to) => seen.push(['binary', bytes.toString('hex', from, to)]),
    onPing: (payload) => seen.push(['ping', payload.toString('hex')]),
    onPong: () => seen.push(['pong', '']),
    onClose: (code, reason) => seen.push(['close', `${code} ${reason}`]),
    inflate: inflateMessage,
  };
  const push = (bytes: Buffer, compression = false): Fault | undefined =>
    reader.read(state, Buffer.from(bytes), sink, compression);
  return { seen, state, push };
}

/** Bytes cut at those places (as fractions of the whole). */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...at.map((x) => Math.floor(x * bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end)).filter((c) => c.length > 0);
}

const message = fc.record({
  text: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.nat(70_000).map((n) => 'é'.repeat(n % 3 === 0 ? n / 3 : n % 200)),
  ),
  pieces: fc.integer({ min: 1, max: 4 }),
  pingBetween: fc.boolean(),
});

describe('FrameReader', () => {
  it('reads what ws sends, however it is fragmented and however the network cuts it', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (messages, cuts) => {
          const wire: Buffer[] = [];
          const expected: Seen[] = [];
          for (const { text, pieces, pingBetween } of messages) {
            const payload = Buffer.from(text);
            const step = Math.ceil(payload.length / pieces) || 1;
            for (let i = 0; i < pieces; i++) {
              const part = payload.subarray(i * step, i === pieces - 1 ? payload.length : (i + 1) * step);
              wire.push(clientFrame(part, { code: i === 0 ? 1 : 0, fin: i === pieces - 1 }));
              if (pingBetween) {
                wire.push(clientFrame(Buffer.from([i]), { code: opcode.ping }));
                if (i < pieces - 1) expected.push(['ping', Buffer.from([i]).toString('hex')]);
              }
            }
            expected.push(['text', text]);
            if (pingBetween) expected.push(['ping', Buffer.from([pieces - 1]).toString('hex')]);
          }
          const { seen, state, push } = reading();
          for (const chunk of cut(Buffer.concat(wire), cuts)) expect(push(chunk)).toBeUndefined();
          expect(seen).toEqual(expected);
          expect(state).toEqual({ partial: null, fragments: null });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('never throws on rubbish, and stops at the first fault', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (bytes, cuts) => {
          const { push, state } = reading(1_024);
          for (const chunk of cut(Buffer.from(bytes), cuts)) if (push(chunk) !== undefined) return;
          expect(state.partial?.bytes ?? 0).toBeLessThanOrEqual(1_024 + 14);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('agrees with ws on which mutated frames are wrong', async () => {
    const verdict = (bytes: Buffer): Promise<boolean> =>
      new Promise((resolve) => {
        const receiver = new Receiver({
          isServer: true,
          maxPayload: 2_048,
        });
        receiver.on('error', () => resolve(false));
        receiver.write(Buffer.from(bytes) as unknown as string, () => setImmediate(() => resolve(true)));
      });
    const random = fc.sample(
      fc.tuple(fc.nat(1_000), fc.nat(7), fc.constantFrom(1, 2, 8, 9, 10), fc.nat(120)),
      300,
    );
    for (const [at, bit, code, size] of random) {
      const payload = Buffer.alloc(size, 'a');
      if (code === 8 && size > 1) payload.writeUInt16BE(1000);
      const bytes = clientFrame(code === 8 && size === 1 ? Buffer.alloc(0) : payload, { code });
      bytes[at % Math.min(2, bytes.length)]! ^= 1 << bit;
      const ours = reading(2_048).push(bytes) === undefined;
      expect([bytes.toString('hex'), ours]).toEqual([bytes.toString('hex'), await verdict(bytes)]);
    }
  });

  const faults: [string, Buffer, number][] = [
    ['an unmasked frame', Buffer.from([0x81, 0x00]), 1002],
    ['reserved bits', Buffer.from([0xa1, 0x80, 0, 0, 0, 0]), 1002],
    ['RSV1 without compression', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ['an unknown opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ['an unknown control opcode', Buffer.from([0x8b, 0x80, 0, 0, 0, 0]), 1002],
    ['a fragmented ping', Buffer.from([0x09, 0x80, 0, 0, 0, 0]), 1002],
    ['a long ping', Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0]), 1002],
    ['a continuation of nothing', clientFrame(Buffer.from('x'), { code: 0 }), 1002],
    [
      'a message inside a message',
      Buffer.concat([clientFrame(Buffer.from('a'), { fin: false }), clientFrame(Buffer.from('b'))]),
      1002,
    ],
    ['a length that is too long for its value', Buffer.from([0x81, 0xfe, 0, 5, 0, 0, 0, 0]), 1002],
    ['half a close code', clientFrame(Buffer.from([3]), { code: 8 }), 1002],
    ['a close code nobody may send', clientFrame(Buffer.from([0x03, 0xed]), { code: 8 }), 1002],
    ['a close reason that is not UTF-8', clientFrame(Buffer.from([0x03, 0xe8, 0xff]), { code: 8 }), 1007],
    ['text that is not UTF-8', clientFrame(Buffer.from([0x61, 0xc3, 0x28])), 1007],
    ['text with a lone surrogate', clientFrame(Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ['a message over the limit', clientFrame(Buffer.alloc(2_000, 'a')), 1009],
    [
      'fragments over the limit together',
      Buffer.concat([
        clientFrame(Buffer.alloc(600, 'a'), { fin: false }),
        clientFrame(Buffer.alloc(600, 'a'), { code: 0 }),
      ]),
      1009,
    ],
    ['2^63 bytes', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1002],
  ];
  for (const [name, bytes, code] of faults) {
    it(`closes with ${code} on ${name}`, () => {
      expect(reading(1_024).push(bytes)?.code).toBe(code);
    });
  }

  it('inflates messages, and refuses one that grows over the limit', () => {
    const text = 'abc'.repeat(2_000);
    const packed = deflateMessage(Buffer.from(text));
    const fine = reading();
    expect(fine.push(clientFrame(packed, { rsv1: true }), true)).toBeUndefined();
    expect(fine.seen).toEqual([['text', text]]);
    expect(reading(1_024).push(clientFrame(packed, { rsv1: true }), true)?.code).toBe(1009);
    expect(reading().push(clientFrame(Buffer.from([0xff, 0xff]), { rsv1: true }), true)?.code).toBe(1007);
  });

  it('bounds an endless row of empty fragments', () => {
    const { push } = reading();
    expect(push(clientFrame(Buffer.alloc(0), { fin: false }))).toBeUndefined();
    const more = Buffer.concat(
      Array.from({ length: 20_000 }, () => clientFrame(Buffer.alloc(0), { code: 0, fin: false })),
    );
    expect(push(more)?.code).toBe(1009);
  });
});

describe('server frames', () => {
  it('are what ws reads: every size class, several in one buffer', () => {
    const texts = [
      '',
      'a',
      'é'.repeat(62),
      'x'.repeat(125),
      'x'.repeat(126),
      'y'.repeat(65_535),
      'z'.repeat(65_536),
    ];
    const read: string[] = [];
    const receiver = new Receiver({
      isServer: false,
      allowSynchronousEvents: true,
    });
    receiver.on('message', (data: Buffer) => read.push(String(data)));
    receiver.write(textFrames(texts) as unknown as string);
    expect(read).toEqual(texts);
  });

  it('cut a close reason at a character, to what a control frame holds', () => {
    const bytes = closeFrame(1012, 'é'.repeat(100));
    expect(bytes.length).toBeLessThanOrEqual(2 + 125);
    expect(bytes.subarray(4).toString()).toBe('é'.repeat(61));
    expect(frame(opcode.pong, Buffer.from('ab'))).toEqual(Buffer.from([0x8a, 2, 0x61, 0x62]));
  });
});
