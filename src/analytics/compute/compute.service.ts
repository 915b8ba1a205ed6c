import { Injectable } from '@nestjs/common';
import type { Piscina } from 'piscina';
import { Problem, unavailable } from '../../domain/problem.js';
import { validationProblem } from '../../http/schema-validation.pipe.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import * as specs from '../../observability/catalogue/analytics.js';
import { Metrics } from '../../observability/metrics.js';
import { backgroundThread } from '../../threads/background-thread.js';
import { type ComputeAnswer, type ComputeTask, runComputeTask } from './compute-task.js';
import type { WorkerAnswer } from './compute-worker.js';
import { readComputeBody } from './read-compute-body.js';

/** Work of a task in steps of about 0.1 µs: one per value that is pushed or recomputed, and 200 per answer. */
export const stepsOf = ({ mode, values, window, at }: ComputeTask): number =>
  at.length * 200 + (mode === 'stream' ? values.length : at.length * Math.min(window, values.length));

/** A million values of 17 digits with their commas are 19 MB. */
export const maxComputeBytes = 32 * 2 ** 20;
/** Bodies up to this are read on the event loop, and computed there when that takes at most about two milliseconds. */
const inlineBytes = 64 * 1_024;
const inlineSteps = 20_000;
const maxUnderway = 8;
const deadlineMs = 10_000;

/** Statistics of values in a request. What is large or takes long is computed on a worker thread. */
@Injectable()
export class ComputeService {
  private pool: Piscina | undefined;
  private underway = 0;

  constructor(
    private readonly metrics: Metrics,
    lifecycle: Lifecycle,
  ) {
    lifecycle.onShutdown('close', 'compute worker', () => this.close());
  }

  /** @throws Problem 400 `MALFORMED_JSON`, 422 `VALIDATION_FAILED`, 503 `COMPUTE_BUSY` or `COMPUTE_DEADLINE` */
  async compute(body: Uint8Array): Promise<ComputeAnswer> {
    if (body.byteLength > inlineBytes) return this.onWorker(body);
    const read = readComputeBody(body);
    if ('task' in read && stepsOf(read.task) > inlineSteps) return this.onWorker(body);
    return this.answer('task' in read ? { answer: runComputeTask(read.task) } : read, 'inline');
  }

  private async onWorker(body: Uint8Array): Promise<ComputeAnswer> {
    if (this.underway >= maxUnderway) {
      this.count('worker', 'busy');
      throw unavailable('COMPUTE_BUSY', 'Too many calculations are under way.', 1);
    }
    const deadline = AbortSignal.timeout(deadlineMs);
    this.underway++;
    try {
      return this.answer((await this.thread().run(body, { signal: deadline })) as WorkerAnswer, 'worker');
    } catch (error) {
      if (!deadline.aborted) throw error;
      this.count('worker', 'timeout');
      throw unavailable('COMPUTE_DEADLINE', `The calculation did not end within ${deadlineMs} ms.`, 5);
    } finally {
      this.underway--;
    }
  }

  private answer(result: WorkerAnswer, place: 'inline' | 'worker'): ComputeAnswer {
    this.count(place, 'answer' in result ? 'ok' : 'refused');
    if ('answer' in result) return result.answer;
    if ('malformed' in result) {
      throw new Problem(400, 'MALFORMED_JSON', `The body is not JSON: ${result.malformed}`);
    }
    throw validationProblem(result.issues, 'body');
  }

  private count(place: 'inline' | 'worker', outcome: 'ok' | 'refused' | 'busy' | 'timeout'): void {
    this.metrics.counter(specs.computeRequests, { place, outcome }).inc();
  }

  private thread(): Piscina {
    this.pool ??= backgroundThread('./compute-worker', import.meta.url);
    return this.pool;
  }

  private async close(): Promise<void> {
    await this.pool?.destroy();
  }
}
