import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Problem } from '../domain/problem.js';
import { ingestKeyFailures } from '../observability/catalogue/ingest.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { type CounterHandle, Metrics } from '../observability/metrics.js';
import { heartbeatMs, IdempotencyRepository } from '../store/idempotency.repository.js';
import type { IngestAnswer, IngestOutcome } from './ingest-report.js';
import { keyReused, UploadKey } from './upload-key.js';

interface KeyedBody {
  readonly scope: string;
  readonly format: string;
  readonly key: string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

/** Keys remembered that could not be let go of; those of a client that never comes back are for the store to expire. */
const maxHeld = 10_000;

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
  /** By name: owners of ended uploads whose claim is still in the store, which was away when they ended. */
  private readonly held = new Map<string, string>();
  private readonly log: ModuleLogger;
  private readonly missed: CounterHandle;
  private readonly unreleased: CounterHandle;

  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly config: Config,
    metrics: Metrics,
    logger: Logger,
  ) {
    this.log = logger.child('ingest');
    this.missed = metrics.counter(ingestKeyFailures, { what: 'heartbeat' });
    this.unreleased = metrics.counter(ingestKeyFailures, { what: 'release' });
  }

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
    const name = `${scope} ${key}`;
    const ended = this.held.get(name);
    if (ended !== undefined) {
      await this.keys.release(scope, key, ended);
      this.held.delete(name);
    }
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
    let misses = 0;
    const heartbeat = setInterval(() => {
      // One that is missed is made up for by the next; the store notices a takeover at the next part.
      this.keys.heartbeat(scope, key, owner).then(
        () => {
          misses = 0;
        },
        (error: unknown) => {
          this.missed.inc();
          if (++misses === 2) this.log.warn({ err: error }, 'signs of life of an upload do not get through');
        },
      );
    }, heartbeatMs);
    try {
      const answer = await run(identity);
      await this.keys.finish(scope, key, owner, { bodyDigest: identity.digest(), status: 200, answer });
      return { answer, replayed: false };
    } catch (error) {
      // The next attempt need not wait until this one is taken for dead.
      await this.release(scope, key, owner);
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** Where the database is away, the next attempt in this process lets go of it first. */
  private async release(scope: string, key: string, owner: string): Promise<void> {
    try {
      await this.keys.release(scope, key, owner);
    } catch (error) {
      this.unreleased.inc();
      this.log.debug({ err: error }, 'a key is let go of by its next attempt');
      if (this.held.size >= maxHeld) this.held.delete(this.held.keys().next().value as string);
      this.held.set(`${scope} ${key}`, owner);
    }
  }
}

async function digestOf(upload: KeyedBody): Promise<Buffer> {
  const identity = new UploadKey(upload.format);
  for await (const chunk of upload.body) identity.update(chunk);
  return identity.digest();
}
