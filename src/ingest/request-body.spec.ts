import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { decodedBody, discardRest } from './request-body.js';

async function read(
  source: Readable,
  encoding?: string,
  maxBytes = 10_000_000,
  length?: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of decodedBody(source, encoding, length, maxBytes)) {
    expect(chunk.length).toBeLessThanOrEqual(64 * 1024);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

const inPieces = (bytes: Buffer, size = 1_000): Readable =>
  Readable.from(
    (function* () {
      for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
    })(),
    { objectMode: false },
  );

const body = Buffer.concat([randomBytes(100_000), Buffer.alloc(500_000, 'tick ')]);

describe('a request body', () => {
  it.each([
    ['as it is', undefined, body],
    ['as identity', 'identity', body],
    ['with gzip', 'gzip', gzipSync(body)],
    ['with x-gzip', 'X-GZIP', gzipSync(body)],
    ['with zstd', 'zstd', zstdCompressSync(body)],
    [
      'with two gzip members',
      'gzip',
      Buffer.concat([gzipSync(body.subarray(0, 7)), gzipSync(body.subarray(7))]),
    ],
  ])('is read %s', async (_, encoding, sent) => {
    expect((await read(inPieces(sent), encoding)).equals(body)).toBe(true);
  });

  it.each(['br', 'deflate', 'gzip, gzip'])('encoded with %s is refused', async (encoding) => {
    await expect(read(inPieces(body), encoding)).rejects.toMatchObject({ status: 415 });
  });

  it.each([
    ['gzip that is none', 'gzip', body],
    ['gzip that ends early', 'gzip', gzipSync(body).subarray(0, 5_000)],
    ['zstd that is none', 'zstd', body],
    ['zstd that ends early', 'zstd', zstdCompressSync(body).subarray(0, 5_000)],
  ])('with %s is refused', async (_, encoding, sent) => {
    await expect(read(inPieces(sent), encoding)).rejects.toMatchObject({
      status: 400,
      code: 'MALFORMED_BODY',
    });
  });

  it('is limited after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(30_000);
    await expect(read(inPieces(bomb), 'gzip')).rejects.toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
    await expect(read(inPieces(body), undefined, 1_000)).rejects.toMatchObject({ status: 413 });
  });

  it('that says it is too large is refused before it is read', async () => {
    const source = inPieces(body);
    await expect(read(source, undefined, 1_000, body.length)).rejects.toMatchObject({ status: 413 });
    expect(source.readableDidRead).toBe(false);
  });

  it('that breaks off is an error, compressed or not', async () => {
    for (const encoding of [undefined, 'gzip']) {
      const source = new PassThrough();
      source.write(encoding ? gzipSync(body).subarray(0, 1_000) : body);
      setImmediate(() => source.destroy(new Error('aborted')));
      await expect(read(source, encoding)).rejects.toMatchObject({ status: 400, code: 'BODY_INCOMPLETE' });
    }
  });

  it('stays open when its reader stops, and can be discarded then', async () => {
    for (const encoding of [undefined, 'gzip']) {
      const source = inPieces(encoding ? gzipSync(randomBytes(300_000)) : body);
      for await (const _ of decodedBody(source, encoding, undefined, 10_000_000)) break;
      expect(source.destroyed).toBe(false);
      expect(await discardRest(source)).toBe(true);
    }
  });
});
