import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { ingestKeyFailures } from '../observability/catalogue/ingest.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { type CounterHandle, Metrics } from '../observability/metrics.js';
import {
  heartbeatMs,
  type IdempotencyClaim,
  IdempotencyRepository,
} from '../store/idempotency.repository.js';
import type { IngestAnswer, IngestOutcome } from './ingest-report.js';
import { KeyWaits } from './key-waits.js';
import { keyReused, UploadKey } from './upload-key.js';

interface KeyedBody {
  readonly scope: string;
  readonly format: string;
  readonly key: string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

/** An ended upload whose claim is still in the store, which was away when it ended. */
interface HeldClaim {
  readonly scope: string;
  readonly key: string;
  readonly owner: string;
}

/** Claims remembered that could not be let go of; beyond it the oldest is left to its lease. */
const maxHeld = 10_000;
const letGoEveryMs = 500;

type RunUpload = (key?: UploadKey) => Promise<IngestAnswer>;

/**
 * Uploads that may be repeated safely. A finished one is answered again from its record. One that was cut off (crash,
 * lost connection, 503) is run again and leaves out the parts that are stored. One that is under way, here or in another
 * process, is waited for.
 */
@Injectable()
export class IdempotentUploads {
  private readonly running = new Set<string>();
  private readonly held = new Set<HeldClaim>();
  private lettingGo = false;
  private readonly waits: KeyWaits;
  private readonly log: ModuleLogger;
  private readonly missed: CounterHandle;
  private readonly unreleased: CounterHandle;

  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly lifecycle: Lifecycle,
    metrics: Metrics,
    logger: Logger,
  ) {
    this.waits = new KeyWaits(metrics, () => lifecycle.isStopping);
    this.log = logger.child('ingest');
    this.missed = metrics.counter(ingestKeyFailures, { what: 'heartbeat' });
    this.unreleased = metrics.counter(ingestKeyFailures, { what: 'release' });
  }

  /** @throws Problem 409 when the same key is under way for too long, 422 when it was used with another body */
  async once(upload: KeyedBody, run: RunUpload): Promise<IngestOutcome> {
    const { scope, key } = upload;
    if (key === undefined) return { answer: await run(), replayed: false };
    const name = `${scope} ${key}`;
    const wait = this.waits.begin();
    while (this.running.has(name)) await wait(() => !this.running.has(name));
    this.running.add(name);
    try {
      let claim = await this.keys.claim(scope, key);
      for (; claim.state === 'running'; claim = await this.keys.claim(scope, key)) {
        await wait(() => this.keys.isDecided(scope, key));
      }
      if (claim.state === 'claimed') return await this.claimed(claim, key, upload, run);
      const digest = await digestOf(upload);
      if (!digest.equals(claim.bodyDigest)) throw keyReused();
      return { answer: claim.answer as IngestAnswer, replayed: true };
    } finally {
      this.running.delete(name);
    }
  }

  private async claimed(
    { owner, parts }: Extract<IdempotencyClaim, { state: 'claimed' }>,
    key: string,
    { scope, format }: KeyedBody,
    run: RunUpload,
  ): Promise<IngestOutcome> {
    const identity = new UploadKey(format, {
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
      await this.release({ scope, key, owner });
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
  }

  private async release(claim: HeldClaim): Promise<void> {
    try {
      await this.keys.release(claim.scope, claim.key, claim.owner);
    } catch (error) {
      this.unreleased.inc();
      this.log.debug({ err: error }, 'a key is let go of when the database is back');
      if (this.held.size >= maxHeld) this.held.delete(this.held.values().next().value as HeldClaim);
      this.held.add(claim);
      if (!this.lettingGo) void this.letGo();
    }
  }

  /** A repetition may arrive at another process, which cannot know that this attempt has ended. */
  private async letGo(): Promise<void> {
    this.lettingGo = true;
    // Of a process that stops, nothing holds a key.
    while (this.held.size > 0 && !this.lifecycle.isStopping) {
      await pause(letGoEveryMs, undefined, { ref: false });
      await this.releaseHeld().catch((error: unknown) => {
        this.log.debug({ err: error }, 'the database is still away');
      });
    }
    this.lettingGo = false;
  }

  private async releaseHeld(): Promise<void> {
    for (const claim of this.held) {
      await this.keys.release(claim.scope, claim.key, claim.owner);
      this.held.delete(claim);
    }
  }
}

async function digestOf(upload: KeyedBody): Promise<Buffer> {
  const identity = new UploadKey(upload.format);
  for await (const chunk of upload.body) identity.update(chunk);
  return identity.digest();
}
