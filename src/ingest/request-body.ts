import { finished, type Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Problem } from '../domain/problem.js';

/** Bytes handed on at once: what is parsed between two turns of the event loop. */
const chunkSize = 64 * 1024;

/** What is still read of a refused body before the answer is sent, so that the client gets to see it. */
const discardLimits = { bytes: 64 * 1024 * 1024, ms: 2_000 };

const tooLarge = (maxBytes: number): Problem =>
  new Problem(413, 'BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes after decompression.`);

/**
 * The bytes of a request body after decompression, in chunks. Leaves the request open when its consumer stops early:
 * destroying it would cut the connection before the answer.
 * @param encoding the `Content-Encoding`: gzip, zstd or none
 * @throws Problem 413 above `maxBytes`, 400 for what does not decompress or ends early, 415 for another encoding
 */
export async function* decodedBody(
  request: Readable,
  encoding: string | undefined,
  contentLength: number | undefined,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const decoder = createDecoder(encoding);
  if (decoder === undefined && contentLength !== undefined && contentLength > maxBytes)
    throw tooLarge(maxBytes);
  const source = decoder === undefined ? request : connect(request, decoder);
  let total = 0;
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge(maxBytes);
      for (let from = 0; from < chunk.length; from += chunkSize) yield chunk.subarray(from, from + chunkSize);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw isCompressionError(error)
      ? new Problem(400, 'MALFORMED_BODY', `The body does not decompress as ${encoding}.`)
      : new Problem(400, 'BODY_INCOMPLETE', 'The connection ended before the body did.');
  } finally {
    if (decoder !== undefined) {
      request.unpipe(decoder);
      decoder.destroy();
    }
  }
}

function createDecoder(encoding: string | undefined): Transform | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ chunkSize });
    case 'zstd':
      return createZstdDecompress({ chunkSize });
    default:
      throw new Problem(415, 'UNSUPPORTED_CONTENT_ENCODING', 'Send the body as it is, or with gzip or zstd.');
  }
}

function connect(request: Readable, decoder: Transform): Transform {
  finished(request, { writable: false }, (error) => {
    if (error) decoder.destroy(error);
  });
  return request.pipe(decoder);
}

const isCompressionError = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(code);
};

/**
 * Reads and drops what is left of a refused body, within limits.
 * @returns whether the body has been read to its end, so that the connection can be used again
 */
export function discardRest(request: Readable): Promise<boolean> {
  if (request.readableEnded) return Promise.resolve(true);
  if (request.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    let left = discardLimits.bytes;
    const onData = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) stop();
    };
    const stop = (): void => {
      clearTimeout(timer);
      cleanup();
      request.off('data', onData);
      request.pause();
      resolve(request.readableEnded);
    };
    const cleanup = finished(request, { writable: false }, stop);
    const timer = setTimeout(stop, discardLimits.ms);
    request.on('data', onData);
    request.resume();
  });
}
