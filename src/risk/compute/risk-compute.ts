import { Injectable } from '@nestjs/common';
import { Piscina } from 'piscina';
import { Config } from '../../config/config.js';
import { Problem, unavailable } from '../../domain/problem.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Metrics } from '../../observability/metrics.js';
import { inSpan } from '../../observability/tracing/tracing.js';
import { workerSource } from '../../threads/worker-source.js';
import { ComputeMeter } from './compute-meter.js';
import { contentHash } from './content-hash.js';
import { ResultCache } from './result-cache.js';
import { operationsOf, type ResultOf, type RiskTask, runRiskTask } from './risk-task.js';

/** Below this a task costs less on the event loop (some 0.2 ms) than the way to a worker and back. */
const inlineOperations = 200_000;
const cacheBytes = 32 * 2 ** 20;
/** Threads run behind the event loop in priority, so that sockets stay prompt on a machine with few cores. */
const workerNice = 5;

export interface RunOptions {
  /** The caller has gone away: a task that nobody waits for any more is stopped. */
  readonly signal?: AbortSignal;
}

/** A result with the provenance of its calculation. */
export interface Computed<R> {
  readonly result: R;
  /** SHA-256 of the task: every input and parameter. */
  readonly inputsHash: string;
  /** Time of the calculation itself, wait for a worker included; of the original one for a cached result. */
  readonly runtimeMs: number;
  readonly cached: boolean;
}

interface Timed<R> {
  readonly result: R;
  readonly runtimeMs: number;
}

interface Flight {
  readonly promise: Promise<Timed<unknown>>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Where risk is calculated: small tasks here, heavy ones on worker threads over shared memory, behind a bounded
 * queue and a deadline. Equal tasks that run at the same time are one; results are cached by the content hash of
 * everything that goes into them.
 */
@Injectable()
export class RiskCompute {
  private pool: Piscina | undefined;
  private readonly cache = new ResultCache(cacheBytes);
  private readonly flights = new Map<string, Flight>();
  private readonly meter: ComputeMeter;
  /** Tasks given to the pool and not back: running and waiting. */
  private underway = 0;

  constructor(
    private readonly config: Config,
    lifecycle: Lifecycle,
    metrics: Metrics,
  ) {
    this.meter = new ComputeMeter(metrics, {
      queued: () => Math.max(0, this.underway - config.get('RISK_WORKERS')),
      cacheBytes: () => this.cache.bytes,
    });
    lifecycle.onShutdown('close', 'risk workers', () => this.close());
  }

  /**
   * @throws Problem 422 `NO_ANSWER` when the input has none (the detail says why), 503 `RISK_BUSY` when the queue
   *   is full, 503 `RISK_DEADLINE` when the result did not come in time
   */
  async run<T extends RiskTask>(task: T, options: RunOptions = {}): Promise<Computed<ResultOf<T>>> {
    const inputsHash = contentHash(task);
    const known = this.cache.get(inputsHash) as Timed<ResultOf<T>> | undefined;
    if (known !== undefined) {
      this.meter.outcome(task.kind, 'cached');
      return { ...known, inputsHash, cached: true };
    }
    const timed = (
      operationsOf(task) <= inlineOperations
        ? this.inline(task)
        : await this.join(inputsHash, task, options.signal)
    ) as Timed<ResultOf<T>>;
    const { evictions } = this.cache;
    this.cache.set(inputsHash, timed);
    this.meter.evicted(this.cache.evictions - evictions);
    return { ...timed, inputsHash, cached: false };
  }

  /** The same for our own work in the background: always on a worker, neither hashed, shared nor cached. */
  async background<T extends RiskTask>(task: T): Promise<ResultOf<T>> {
    const { result } = await this.onWorker(task, new AbortController());
    return result as ResultOf<T>;
  }

  /** Starts a thread and lets it compile its kernels, so that the first request does not wait for that. */
  async warm(): Promise<void> {
    const size = 8;
    const data = new Float64Array(size * size);
    for (let i = 0; i < size; i++) data[i * size + i] = 1e-4;
    const into = { assets: size, observations: 60_000, data: new Float64Array(size * 60_000) };
    await this.thread().run({
      kind: 'paths',
      covariance: { size, data },
      means: new Float64Array(size),
      seed: 1,
      into,
    });
  }

  async close(): Promise<void> {
    await this.pool?.destroy();
  }

  private inline(task: RiskTask): Timed<unknown> {
    const started = performance.now();
    try {
      const result = runRiskTask(task);
      const runtimeMs = performance.now() - started;
      this.meter.done(task, 'inline', runtimeMs);
      return { result, runtimeMs };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.meter.outcome(task.kind, 'refused');
      throw noAnswer(error.message);
    }
  }

  /** Waits for the running equal task, or starts one. It is stopped when its last waiter has left. */
  private async join(key: string, task: RiskTask, signal: AbortSignal | undefined): Promise<Timed<unknown>> {
    let flight = this.flights.get(key);
    if (flight) this.meter.outcome(task.kind, 'shared');
    else {
      const abort = new AbortController();
      const attributes = {
        'tidewatch.risk.task': task.kind,
        ...('method' in task ? { 'tidewatch.risk.method': task.method } : {}),
      };
      const promise = inSpan('risk calculation', attributes, () => this.onWorker(task, abort));
      flight = { promise, abort, waiting: 0 };
      this.flights.set(key, flight);
      const landed = (): void => {
        if (this.flights.get(key) === flight) this.flights.delete(key);
      };
      flight.promise.then(landed, landed);
    }
    flight.waiting++;
    const own = flight;
    const leave = (): void => {
      if (--own.waiting > 0) return;
      // Nobody joins what is being stopped.
      if (this.flights.get(key) === own) this.flights.delete(key);
      own.abort.abort(new Problem(499, 'CLIENT_CLOSED_REQUEST', 'The client went away.'));
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await flight.promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  private async onWorker(task: RiskTask, abort: AbortController): Promise<Timed<unknown>> {
    // The pool's own limit does not count tasks that can be aborted.
    if (this.underway >= this.config.get('RISK_WORKERS') + this.config.get('RISK_QUEUE_MAX')) {
      this.meter.outcome(task.kind, 'queue_full');
      throw unavailable('RISK_BUSY', 'Too many calculations wait for a worker.', 1);
    }
    const started = performance.now();
    const deadlineMs = this.config.get('RISK_DEADLINE_MS');
    const deadline = AbortSignal.timeout(deadlineMs);
    this.underway++;
    try {
      const answer = (await this.thread().run(task, { signal: AbortSignal.any([abort.signal, deadline]) })) as
        | { result: unknown }
        | { refusal: string };
      if ('refusal' in answer) {
        this.meter.outcome(task.kind, 'refused');
        throw noAnswer(answer.refusal);
      }
      const runtimeMs = performance.now() - started;
      this.meter.done(task, 'worker', runtimeMs);
      return { result: answer.result, runtimeMs };
    } catch (error) {
      throw this.failure(task, error, abort.signal, deadline, deadlineMs);
    } finally {
      this.underway--;
    }
  }

  private failure(
    task: RiskTask,
    error: unknown,
    abort: AbortSignal,
    deadline: AbortSignal,
    deadlineMs: number,
  ): unknown {
    if (error instanceof Problem) return error;
    if (abort.aborted) {
      this.meter.outcome(task.kind, 'cancelled');
      return abort.reason;
    }
    if (deadline.aborted) {
      this.meter.outcome(task.kind, 'deadline');
      return unavailable('RISK_DEADLINE', `The calculation did not end within ${deadlineMs} ms.`, 5);
    }
    this.meter.outcome(task.kind, 'failed');
    return error;
  }

  private thread(): Piscina {
    if (this.pool) return this.pool;
    const threads = this.config.get('RISK_WORKERS');
    this.pool = new Piscina({
      ...workerSource('./risk-worker', import.meta.url),
      minThreads: 1,
      maxThreads: threads,
      idleTimeout: 60_000,
      niceIncrement: workerNice,
      // A thread that waits on the futex of its mailbox cannot be told to stop; messages cost a few microseconds
      // more.
      atomics: 'disabled',
    });
    return this.pool;
  }
}

const noAnswer = (detail: string): Problem =>
  new Problem(422, 'NO_ANSWER', `${detail[0]?.toUpperCase()}${detail.slice(1)}.`);
