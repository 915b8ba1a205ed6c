import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { duplicateKey } from '../domain/duplicate-key.js';
import { Problem, unsupportedMediaType } from '../domain/problem.js';
import { requireUtf8 } from './charset.js';

/** Bodies below this path are handed to the handler as a stream (`request.body` is a `Readable`), never buffered here. */
const streamedBodiesPrefix = '/api/v1/ingest/';

/** Largest buffered request body, bytes. */
export const maxBodyBytes = 16 * 1024 * 1024;

/** Bodies so large that parsing them would hold up the event loop: also streams, read and parsed by a worker thread. */
const streamedBodiesPath = '/api/v1/analytics/compute';

/**
 * Replaces Fastify's body parsers. On ingest routes every body passes through as a stream: whoever reads it applies the
 * limits and knows which types it takes. Everywhere else only JSON is accepted.
 */
export function addBodyParsers(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', (request, payload, done) => {
    const { url } = request;
    if (url.startsWith(streamedBodiesPrefix) || url.split('?', 1)[0] === streamedBodiesPath)
      done(null, payload);
    else readJson(request, payload).then((body) => done(null, body), done);
  });
  fastify.addContentTypeParser('*', (request, payload, done) => {
    if (request.url.startsWith(streamedBodiesPrefix)) done(null, payload);
    else done(unsupportedMediaType(['application/json']));
  });
}

async function readJson(request: FastifyRequest, payload: AsyncIterable<Buffer>): Promise<unknown> {
  const limit = request.routeOptions.bodyLimit;
  const tooLarge = new Problem(413, 'BODY_TOO_LARGE', `The body is larger than ${limit} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem(415, 'UNSUPPORTED_CONTENT_ENCODING', 'Send the body without Content-Encoding.');
  }
  requireUtf8(request.headers['content-type']);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload) {
    size += chunk.length;
    if (size > limit) throw tooLarge;
    chunks.push(chunk);
  }
  return parseJson(decodeUtf8(Buffer.concat(chunks)));
}

/**
 * Strictly: Node's own decoder puts U+FFFD in place of every wrong byte, and two ids that differ in such bytes become one.
 * @throws Problem 400 `INVALID_UTF8`
 */
export function decodeUtf8(body: Buffer): string {
  if (!isUtf8(body)) throw new Problem(400, 'INVALID_UTF8', 'The body is not valid UTF-8.');
  return body.toString('utf8');
}

/** @throws Problem 400 for what is no JSON, for a key given twice, and for keys that could reach a prototype */
export function parseJson(text: string): unknown {
  if (text.trim() === '') throw new Problem(400, 'EMPTY_BODY', 'The body is empty; JSON is expected.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem(
      400,
      'MALFORMED_JSON',
      `The body is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
  const twice = duplicateKey(text, value);
  if (twice !== undefined) {
    throw new Problem(400, 'DUPLICATE_KEY', `${twice} is given twice.`, {
      errors: [{ pointer: twice, code: 'DUPLICATE_KEY', message: 'is given twice' }],
    });
  }
  // An escape may spell the same words; without either there is nothing to look for.
  if (/__proto__|constructor|\\u/.test(text)) refusePrototypeKeys(value);
  return value;
}

function refusePrototypeKeys(value: unknown): void {
  const stack = [value];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, child] of Object.entries(next)) {
      if (key === '__proto__' || key === 'constructor') {
        throw new Problem(400, 'FORBIDDEN_KEY', `The key "${key}" is not allowed.`);
      }
      stack.push(child);
    }
  }
}
