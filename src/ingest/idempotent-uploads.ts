import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Problem } from '../domain/problem.js';
import { heartbeatMs, IdempotencyRepository } from '../store/idempotency.repository.js';
import type { IngestAnswer, IngestOutcome } from './ingest-report.js';
import { keyReused, UploadKey } from './upload-key.js';

interface KeyedBody {
  readonly scope: string;
  readonly format: string;
  readonly key: string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

type RunUpload = (key?: UploadKey) => Promise<IngestAnswer>;

const inUse = (): Problem =>
  new Problem(409, 'IDEMPOTENCY_KEY_IN_USE', 'A request with this Idempotency-Key is under way.', {
    retryAfterSeconds: 1,
  });

/**
 * Uploads that may be repeated safely. A finished one is answered again from its record. One that was cut off (crash,
 * lost connection, 503) is run again and leaves out the parts that are stored.
 */
@Injectable()
export class IdempotentUploads implements OnModuleInit {
  private readonly running = new Set<string>();

  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly config: Config,
  ) {}

  async onModuleInit(): Promise<void> {
    // The embedded database has one server, and its folder is locked.
    if (this.config.source('DATABASE_URL') === 'embedded') await this.keys.releaseAll();
  }

  /** @throws Problem 409 while the same key is under way, 422 when it was used with another body */
  async once(upload: KeyedBody, run: RunUpload): Promise<IngestOutcome> {
    const { scope, key } = upload;
    if (key === undefined) return { answer: await run(), replayed: false };
    const name = `${scope} ${key}`;
    if (this.running.has(name)) throw inUse();
    this.running.add(name);
    try {
      return await this.keyed(scope, key, upload, run);
    } finally {
      this.running.delete(name);
    }
  }

  private async keyed(scope: string, key: string, upload: KeyedBody, run: RunUpload): Promise<IngestOutcome> {
    const claim = await this.keys.claim(scope, key);
    if (claim.state === 'running') throw inUse();
    if (claim.state === 'finished') {
      const digest = await digestOf(upload);
      if (!digest.equals(claim.bodyDigest)) throw keyReused();
      return { answer: claim.answer as IngestAnswer, replayed: true };
    }
    const { owner, parts } = claim;
    const identity = new UploadKey(upload.format, {
      stored: parts,
      statement: (part) => this.keys.partStatement(scope, key, owner, part),
    });
    const heartbeat = setInterval(() => {
      // A missed one is made up for by the next; the store notices a takeover at the next part.
      this.keys.heartbeat(scope, key, owner).catch(() => undefined);
    }, heartbeatMs);
    try {
      const answer = await run(identity);
      await this.keys.finish(scope, key, owner, { bodyDigest: identity.digest(), status: 200, answer });
      return { answer, replayed: false };
    } catch (error) {
      // The next attempt need not wait until this one is taken for dead.
      await this.keys.release(scope, key, owner).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
  }
}

async function digestOf(upload: KeyedBody): Promise<Buffer> {
  const identity = new UploadKey(upload.format);
  for await (const chunk of upload.body) identity.update(chunk);
  return identity.digest();
}
