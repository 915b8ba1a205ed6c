import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Redis } from 'ioredis';
import pg from 'pg';
import { activeTraceId } from '../../src/observability/tracing/tracing.js';
import { setTracing, type Tracing, tracing } from '../../src/observability/tracing/tracing-state.js';
import type { SwitchedMetrics } from './switched-metrics.js';

/**
 * `off`: no observation, no context, no hook of pg and ioredis. `metrics`: all of them, and traces of which none is
 * recorded. `recorded`: every request is.
 */
export type Level = 'off' | 'metrics' | 'recorded';

interface Hook {
  readonly of: Record<string, unknown>;
  readonly method: string;
  readonly hooked: unknown;
  readonly bare: unknown;
}

/** Switches all that watches a request on its way, in a process that goes on running. */
export class WatchingSwitch {
  private readonly state: Tracing;
  private readonly hooks: readonly Hook[];

  constructor(private readonly metrics: SwitchedMetrics) {
    const state = tracing();
    if (state === null) throw new Error('tracing is not set up');
    this.state = state;
    this.hooks = [pg.Client.prototype, pg.Pool.prototype, Redis.prototype].flatMap((prototype) =>
      hooksOf(prototype as never),
    );
    if (this.hooks.length === 0) throw new Error('nothing is hooked');
  }

  set(level: Level): void {
    const on = level !== 'off';
    this.metrics.on = on;
    this.metrics.exemplars.current = on ? activeTraceId : null;
    setTracing({ ...this.state, sampleRatio: level === 'recorded' ? 1 : 0 });
    context.disable();
    if (on) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    for (const { of, method, hooked, bare } of this.hooks) of[method] = on ? hooked : bare;
  }
}

/** Methods that an instrumentation has wrapped, with what they were before. */
function hooksOf(prototype: Record<string, unknown>): Hook[] {
  return ['query', 'connect', 'sendCommand'].flatMap((method) => {
    const hooked = prototype[method] as { __original?: unknown } | undefined;
    const bare = hooked?.__original;
    return bare === undefined ? [] : [{ of: prototype, method, hooked, bare }];
  });
}
