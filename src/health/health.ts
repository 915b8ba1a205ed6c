import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';

export interface HealthCheck {
  /** Is the process unready without it? An optional dependency that is down makes it `degraded`. */
  readonly required: boolean;
  /** Resolves when the dependency works, rejects with the reason; bounded by {@link checkTimeoutMs}. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface CheckResult {
  readonly status: string;
  readonly reason?: string;
  /** How long ago this was found out, ms. */
  readonly age_ms?: number;
  readonly [detail: string]: unknown;
}

const checkIntervalMs = 1_000;
const checkTimeoutMs = 1_500;

interface Probe {
  readonly check: HealthCheck;
  failure: string | null;
  checkedAt: number | null;
  /** The run under way, if any. */
  running: Promise<void> | null;
}

/**
 * What is known about this process's dependencies. Each dependency's owner registers one check; they run on a timer, so
 * that answering costs nothing and a dependency that hangs cannot make the health endpoints hang.
 */
@Injectable()
export class Health {
  private readonly probes = new Map<string, Probe>();
  private readonly states = new Map<string, () => CheckResult>();
  private readonly log: ModuleLogger;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly lifecycle: Lifecycle,
    logger: Logger,
  ) {
    this.log = logger.child('health');
    this.timer = setInterval(() => {
      for (const [name, probe] of this.probes) void this.start(name, probe);
    }, checkIntervalMs);
    this.timer.unref();
    lifecycle.onShutdown('close', 'health checks', () => clearInterval(this.timer));
  }

  /** Registers a dependency; until its first success it counts as not working. */
  check(name: string, check: HealthCheck): void {
    const probe: Probe = { check, failure: 'not checked yet', checkedAt: null, running: null };
    this.probes.set(name, probe);
    if (check.required) this.lifecycle.notReady(name);
  }

  /** Registers something whose state is always known, such as a disabled part; only `degraded` changes the overall status. */
  state(name: string, read: () => CheckResult): void {
    this.states.set(name, read);
  }

  /**
   * Resolves when every check has an outcome of now: a run under way counts when it succeeds. One that fails may have
   * begun before its dependency was there, and is repeated once.
   */
  async runAll(): Promise<void> {
    await Promise.all(
      [...this.probes].map(async ([name, probe]) => {
        const underWay = probe.running !== null;
        await this.start(name, probe);
        if (underWay && probe.failure !== null) await this.start(name, probe);
      }),
    );
  }

  report(): { status: 'ok' | 'degraded'; checks: Record<string, CheckResult> } {
    const checks: Record<string, CheckResult> = {};
    const now = Date.now();
    let ok = this.lifecycle.unreadyReasons.length === 0;
    for (const [name, { failure, checkedAt }] of this.probes) {
      ok &&= failure === null;
      checks[name] = {
        status: failure === null ? 'ok' : 'failed',
        ...(failure === null ? {} : { reason: failure }),
        ...(checkedAt === null ? {} : { age_ms: now - checkedAt }),
      };
    }
    for (const [name, read] of this.states) {
      const state = read();
      ok &&= state.status !== 'degraded';
      checks[name] = state;
    }
    return { status: ok ? 'ok' : 'degraded', checks };
  }

  /** Never two runs of one check at a time. */
  private start(name: string, probe: Probe): Promise<void> {
    probe.running ??= this.run(name, probe).finally(() => {
      probe.running = null;
    });
    return probe.running;
  }

  private async run(name: string, probe: Probe): Promise<void> {
    const before = probe.failure;
    const timeout = AbortSignal.timeout(checkTimeoutMs);
    try {
      await Promise.race([probe.check.run(timeout), aborted(timeout)]);
      probe.failure = null;
      if (probe.check.required) this.lifecycle.ready(name);
      if (before !== null && probe.checkedAt !== null) this.log.info({ check: name }, 'works again');
    } catch (error) {
      probe.failure = error instanceof Error ? error.message : String(error);
      if (probe.check.required) this.lifecycle.notReady(name);
      if (before === null) this.log.warn({ check: name, reason: probe.failure }, 'health check failed');
    } finally {
      probe.checkedAt = Date.now();
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = (): void => reject(new Error(`no answer within ${checkTimeoutMs} ms`));
    // After a pause of the event loop the timer comes first: an answer that has arrived meanwhile still counts.
    signal.addEventListener('abort', () => void setImmediate(late), { once: true });
  });
}
