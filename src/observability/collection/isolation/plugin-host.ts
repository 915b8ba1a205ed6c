import { Worker } from 'node:worker_threads';
import { workerSource } from '../../../threads/worker-source.js';
import { type LatencyRow, latencyRows } from '../../latency-windows.js';
import type { HistogramSeries } from '../../series.js';
import {
  type Collector,
  type CollectorContext,
  type CollectorDefinition,
  type CollectorHost,
  NoData,
  type UnusableCollector,
} from '../collector.js';
import { BudgetExceeded } from '../cost-meter.js';
import {
  type Described,
  type DescribedDefinition,
  type FromThread,
  fromWire,
  type Report,
  type ThreadData,
  type ToThread,
  toWire,
} from './messages.js';

/** What a plugin may hold: objects, and memory outside of its heap (buffers), MB. */
const maxHeapMb = 64;
const maxExternalMb = 64;
/** How often that is looked at; the heap itself is bounded by the engine. */
const lookEveryMs = 250;
/** A module that takes longer to load is not used. */
const loadTimeoutMs = 10_000;
/** How long a thread may take to hear that its run is aborted: beyond it, it turns in circles and is ended. */
const hearTimeoutMs = 500;
const mb = 2 ** 20;

/**
 * Reads what a plugin's module exports without running any of it in this thread.
 * @throws Error when it cannot be loaded
 */
export async function describePlugin(
  path: string,
  folders: readonly string[],
): Promise<readonly (CollectorDefinition | UnusableCollector | { readonly wrong: string })[]> {
  const thread = startThread({ path, folders, index: null });
  try {
    const all = await loaded(thread);
    return all.map((each, index) => ('manifest' in each ? isolated(each, { path, folders, index }) : each));
  } finally {
    await thread.terminate();
  }
}

/** A definition whose code runs in a thread of its own. */
function isolated(described: DescribedDefinition, data: ThreadData): CollectorDefinition {
  const host = new PluginThread(data);
  const { manifest, hasConfig } = described;
  return {
    manifest: {
      ...manifest,
      // The schema is code: it is applied where the code is.
      config: { '~standard': { version: 1, validate: hasConfig ? (value) => ({ value }) : undefined } },
    } as CollectorDefinition['manifest'],
    prepare: () => host.ready(),
    create: (context, collectorHost) => host.collector(manifest.metrics, context, collectorHost),
  };
}

interface OpenRun {
  readonly number: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The thread of one collector, made when a run needs it. It is ended, and the next run gets a new one, when it holds too
 * much memory, does not hear that it is to stop, or an error escapes in it. The event loop of the server waits for nothing
 * of it.
 */
class PluginThread {
  private thread: Worker | null = null;
  private context: CollectorContext | null = null;
  private host: CollectorHost | null = null;
  private metrics: CollectorDefinition['manifest']['metrics'] = [];
  private run: OpenRun | null = null;
  private runNumber = 0;
  private hearing: NodeJS.Timeout | undefined;
  private onStopped: (() => void) | null = null;

  constructor(private readonly data: ThreadData) {}

  /** @throws Error when the plugin does not load */
  async ready(): Promise<void> {
    if (this.thread !== null) return;
    const thread = startThread(this.data);
    try {
      await loaded(thread);
    } catch (error) {
      await thread.terminate();
      throw error;
    }
    this.thread = thread;
    const looking = setInterval(() => void this.look(thread), lookEveryMs).unref();
    thread.on('message', (message: FromThread) => {
      if (this.thread === thread) this.hear(message);
    });
    thread.on('error', (error) => this.lost(thread, memoryError(error)));
    thread.on('exit', () => {
      clearInterval(looking);
      this.lost(thread, new Error('the plugin ended its thread'));
    });
    thread.unref();
  }

  collector(
    metrics: CollectorDefinition['manifest']['metrics'],
    context: CollectorContext,
    host: CollectorHost,
  ): Collector {
    this.metrics = metrics;
    this.context = context;
    this.host = host;
    return { collect: (signal) => this.collect(signal), stop: () => this.stop() };
  }

  private collect(signal: AbortSignal): Promise<void> {
    const { context } = this;
    if (this.thread === null || context === null)
      return Promise.reject(new Error('the plugin has no thread'));
    const number = ++this.runNumber;
    const rows = Object.keys(latencyRows) as LatencyRow[];
    const windows = Object.fromEntries(rows.map((row) => [row, context.windows.read(row)]));
    const lent = { database: context.database !== null, redis: context.redis?.mode ?? null };
    const { config } = context;
    this.tell({ do: 'collect', run: number, config, lent, windows: windows as never });
    signal.addEventListener('abort', () => this.abort(number, signal.reason), { once: true });
    return new Promise((resolve, reject) => {
      this.run = { number, resolve, reject };
    });
  }

  private abort(number: number, reason: unknown): void {
    const { thread } = this;
    if (this.run?.number !== number || thread === null) return;
    this.tell({ do: 'abort', run: number, reason: toWire(reason) });
    this.hearing = setTimeout(
      () => this.lost(thread, new Error('the plugin did not hear its abort: it turns in circles')),
      hearTimeoutMs,
    );
  }

  private async stop(): Promise<void> {
    const { thread } = this;
    if (thread === null) return;
    const stopped = new Promise<void>((resolve) => {
      this.onStopped = resolve;
      setTimeout(resolve, hearTimeoutMs);
    });
    this.tell({ do: 'stop' });
    await stopped;
    this.thread = null;
    await thread.terminate();
  }

  private tell(message: ToThread): void {
    this.thread?.postMessage(message);
  }

  private hear(message: FromThread): void {
    switch (message.say) {
      case 'call':
        void this.answer(message);
        return;
      case 'log':
        this.context?.log[message.level](message.fields, message.message);
        return;
      case 'aborting':
        if (this.run?.number === message.run) clearTimeout(this.hearing);
        return;
      case 'done':
        this.done(message);
        return;
      case 'fault':
        if (this.thread !== null) this.lost(this.thread, fromWire(message.error), true);
        return;
      case 'stopped':
        this.onStopped?.();
        return;
      default:
        return;
    }
  }

  private async answer({ call, what, text, args }: FromThread & { say: 'call' }): Promise<void> {
    const { context } = this;
    try {
      const value =
        what === 'query'
          ? await context?.database?.query(text, args)
          : await context?.redis?.call(text, ...(args as (string | number)[]));
      this.tell({ do: 'answer', call, value });
    } catch (error) {
      this.tell({ do: 'answer', call, error: toWire(error) });
    }
  }

  private done({ run: number, report, error }: FromThread & { say: 'done' }): void {
    clearTimeout(this.hearing);
    const { run } = this;
    if (run?.number !== number) return;
    this.run = null;
    try {
      this.pass(report);
      if (error === undefined) run.resolve();
      else run.reject(error.name === 'NoData' ? new NoData(error.message) : fromWire(error));
    } catch (wrong) {
      run.reject(wrong);
    }
  }

  private pass({ samples, counters, histograms, records, failures, busyMs }: Report): void {
    const { context, host } = this;
    if (context === null) return;
    const specs = new Map(this.metrics.map((spec) => [spec.name, spec]));
    const specOf = (name: string) => {
      const spec = specs.get(name);
      if (spec === undefined) throw new Error(`${name} is not in the collector's manifest`);
      return spec;
    };
    host?.charge(busyMs);
    for (const [name, value, labels] of samples) context.metrics.set(specOf(name), value, labels);
    for (const [name, by, labels] of counters) context.metrics.counter(specOf(name), labels).inc(by);
    for (const [name, counts, sum, labels] of histograms) {
      (context.metrics.histogram(specOf(name), labels) as HistogramSeries).merge(counts, sum);
    }
    for (const [row, value] of records) context.windows.record(row, value);
    for (const { part, error } of failures) {
      void context.attempt(part, () => {
        throw fromWire(error);
      });
    }
  }

  private async look(thread: Worker): Promise<void> {
    try {
      const { external_memory: external } = await thread.getHeapStatistics();
      if (external <= maxExternalMb * mb) return;
      const held = `${Math.round(external / mb)} MB of buffers, more than the ${maxExternalMb} MB it may`;
      this.lost(thread, new BudgetExceeded(`the plugin holds ${held}`));
    } catch {
      // It has just ended: its `exit` says why.
    }
  }

  /** The thread cannot be used any more. */
  private lost(thread: Worker, error: Error, escaped = false): void {
    if (this.thread !== thread) return;
    this.thread = null;
    clearTimeout(this.hearing);
    void thread.terminate();
    this.run?.reject(error);
    this.run = null;
    this.host?.lost(error, escaped);
  }
}

function startThread(data: ThreadData): Worker {
  const { filename, execArgv } = workerSource('./plugin-thread', import.meta.url);
  return new Worker(filename, {
    workerData: data,
    name: 'plugin',
    execArgv,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 8 },
  });
}

/** What the module of a thread exports. @throws Error when it does not load, or not in time */
function loaded(thread: Worker): Promise<readonly Described[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the module did not load within ${loadTimeoutMs / 1000} s`)),
      loadTimeoutMs,
    );
    const end = (finish: () => void) => {
      clearTimeout(timer);
      finish();
    };
    thread.once('message', (message: FromThread) =>
      end(() => {
        if (message.say === 'loaded') resolve(message.definitions);
        else reject('error' in message && message.error ? fromWire(message.error) : new Error('no answer'));
      }),
    );
    thread.once('error', (error) => end(() => reject(memoryError(error))));
    thread.once('exit', () => end(() => reject(new Error('the module ended its thread'))));
  });
}

const memoryError = (error: unknown): Error =>
  (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new BudgetExceeded(`the plugin used more than the ${maxHeapMb} MB of memory it may`)
    : (error as Error);
