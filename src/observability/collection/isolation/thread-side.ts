import { documentFaults } from '../../../domain/document-faults.js';
import type { LatencyRow } from '../../latency-windows.js';
import type { WindowReading } from '../../rolling-window.js';
import type { Collector, CollectorContext, CollectorDefinition, CollectorHost } from '../collector.js';
import { type FromThread, fromWire, type Lent, type ToThread, toWire } from './messages.js';
import { Reported } from './reported.js';

/** Questions to the server that may be open at a time, and lines of log per run: what is beyond them never leaves the thread. */
const maxOpenCalls = 64;
const maxLogLines = 20;

interface Run {
  readonly number: number;
  readonly controller: AbortController;
  logged: number;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A collector in this thread has no other to tell of. */
const unheard: CollectorHost = { lost() {}, charge() {} };

/** Runs one collector in its thread; everything it is lent is a message away. */
export class ThreadSide {
  private readonly definition: CollectorDefinition;
  private readonly say: (message: FromThread) => void;
  private readonly reported: Reported;
  private readonly calls = new Map<number, Call>();
  private collector: Collector | null = null;
  private run: Run | null = null;
  private callNumber = 0;
  private windows: Readonly<Partial<Record<LatencyRow, WindowReading>>> = {};

  constructor(definition: CollectorDefinition, say: (message: FromThread) => void) {
    this.definition = definition;
    this.say = say;
    this.reported = new Reported(definition.manifest.metrics);
  }

  hear(message: ToThread): void {
    if (message.do === 'collect') void this.collect(message);
    else if (message.do === 'abort') {
      this.say({ say: 'aborting', run: message.run });
      if (this.run?.number === message.run) this.run.controller.abort(fromWire(message.reason));
    } else if (message.do === 'answer') {
      const call = this.calls.get(message.call);
      this.calls.delete(message.call);
      if (message.error === undefined) call?.resolve(message.value);
      else call?.reject(fromWire(message.error));
    } else void this.stop();
  }

  private async collect({ run: number, config, lent, windows }: ToThread & { do: 'collect' }): Promise<void> {
    const run: Run = { number, controller: new AbortController(), logged: 0 };
    this.run = run;
    this.windows = windows;
    let thrown: unknown;
    try {
      this.collector ??= await this.create(config, lent);
      await this.collector.collect(run.controller.signal);
    } catch (error) {
      thrown = error ?? new Error('it threw nothing');
    }
    // A run that was given up on has been followed by another, or has nobody left to report to.
    if (this.run !== run) return;
    this.run = null;
    const report = this.reported.take(thrown === undefined);
    this.say({
      say: 'done',
      run: number,
      report,
      ...(thrown === undefined ? {} : { error: toWire(thrown) }),
    });
  }

  private async create(given: unknown, lent: Lent): Promise<Collector> {
    const result = await this.definition.manifest.config['~standard'].validate(given ?? {});
    if (result.issues !== undefined) {
      const faults = documentFaults(result.issues, given ?? {});
      throw Object.assign(new Error(`configuration: ${faults}`), { name: 'SchemaError' });
    }
    const collector = this.definition.create(this.context(result.value, lent), unheard);
    await collector.start?.();
    return collector;
  }

  private async stop(): Promise<void> {
    try {
      await this.collector?.stop?.();
    } finally {
      this.say({ say: 'stopped' });
    }
  }

  private context(config: unknown, lent: Lent): CollectorContext {
    const { reported } = this;
    const log = (level: 'debug' | 'info' | 'warn') => (fields: object, message: string) =>
      this.log(level, fields, message);
    return {
      config,
      clock: { nowMs: Date.now },
      log: { debug: log('debug'), info: log('info'), warn: log('warn') },
      metrics: {
        set: (spec, value, ...[labels]) => {
          if (this.run !== null) reported.set(spec, value, labels ?? {});
        },
        counter: (spec, ...[labels]) => reported.counter(spec, labels ?? {}),
        histogram: (spec, ...[labels]) => reported.histogram(spec, labels ?? {}),
      },
      database: lent.database
        ? { query: (sql, parameters = []) => this.ask('query', sql, parameters) as never }
        : null,
      redis:
        lent.redis === null
          ? null
          : { mode: lent.redis, call: (command, ...args) => this.ask('redis', command, args) },
      sources: { get: () => undefined },
      windows: {
        read: (row, seconds = 60) => {
          const reading = this.windows[row];
          if (reading === undefined || seconds !== 60) throw new Error('a plugin reads windows of 60 s');
          return reading;
        },
        record: (row, value) => reported.record(row, value),
      },
      fetch: async (url, headers = {}) => {
        if (this.run === null) throw new Error('clients work within a run only');
        const response = await fetch(url, { headers, signal: this.run.controller.signal });
        return { status: response.status, text: await response.text() };
      },
      attempt: async (part, work) => {
        const { run } = this;
        try {
          await work();
        } catch (error) {
          if (run === null || run.controller.signal.aborted) throw error;
          reported.failed(part, toWire(error));
        }
      },
    };
  }

  private ask(what: 'query' | 'redis', text: string, args: readonly unknown[]): Promise<unknown> {
    if (this.run === null) return Promise.reject(new Error('clients work within a run only'));
    if (this.calls.size >= maxOpenCalls) {
      const error = new Error(`more than ${maxOpenCalls} questions at a time`);
      return Promise.reject(Object.assign(error, { name: 'BudgetExceeded' }));
    }
    const call = ++this.callNumber;
    return new Promise((resolve, reject) => {
      this.calls.set(call, { resolve, reject });
      this.say({ say: 'call', call, what, text, args });
    });
  }

  private log(level: 'debug' | 'info' | 'warn', fields: object, message: string): void {
    if (this.run === null || this.run.logged++ >= maxLogLines) return;
    this.say({
      say: 'log',
      level,
      fields: { detail: JSON.stringify(fields)?.slice(0, 2_000) },
      message: message.slice(0, 500),
    });
  }
}
