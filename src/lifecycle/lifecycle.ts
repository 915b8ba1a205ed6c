import { Injectable } from '@nestjs/common';

/** Shutdown phases, in order. Within a phase the steps run together; a phase ends when all of its steps have ended. */
const shutdownPhases = [
  /** Readiness off; nothing new is accepted: demo, schedules, ingest, new connections. */
  'stop-intake',
  /** Clients are told to come back later, spread over a window. */
  'drain-clients',
  /** What was accepted becomes durable: buffers of the writers. */
  'flush',
  /** Pools, Redis, workers. Embedded servers are stopped after this, by whoever started them. */
  'close',
] as const;
export type ShutdownPhase = (typeof shutdownPhases)[number];

type Step = { readonly name: string; readonly run: () => Promise<void> | void };

/**
 * The one place that knows whether this process should get traffic and in which order it stops. Stages register; they
 * do not use Nest's shutdown hooks, whose order follows module imports instead of the data flow.
 */
@Injectable()
export class Lifecycle {
  private readonly steps = new Map<ShutdownPhase, Step[]>(shutdownPhases.map((p) => [p, []]));
  private readonly pending = new Set<string>(['starting']);
  private readonly startSteps: Step[] = [];
  private stopping: Promise<void> | undefined;

  /** Steps longer than this are reported and left behind, so that shutdown always ends. */
  constructor(private readonly stepTimeoutMs = 3_000) {}

  /** Registers what to do at shutdown. */
  onShutdown(phase: ShutdownPhase, name: string, run: Step['run']): void {
    this.steps.get(phase)?.push({ name, run });
  }

  /** Registers what to do once the server listens (the demo, schedules that need it); before the process is ready. */
  onStarted(name: string, run: Step['run']): void {
    this.startSteps.push({ name, run });
  }

  /** The server listens: runs the start steps one after the other, then the process is ready. */
  async started(): Promise<void> {
    for (const step of this.startSteps) {
      if (this.stopping) return;
      await step.run();
    }
    this.ready('starting');
  }

  /** Names a condition without which the process is not ready (`database`, `engine rebuild`, …). */
  notReady(reason: string): void {
    this.pending.add(reason);
  }

  ready(reason: string): void {
    this.pending.delete(reason);
  }

  /** Why the process should get no traffic now; empty when it should. */
  get unreadyReasons(): readonly string[] {
    return this.stopping ? ['draining', ...this.pending] : [...this.pending];
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  /** Runs every phase once; a second call waits for the first. Never rejects: a failed step is reported and passed. */
  shutdown(report: (step: string, error: unknown) => void = () => {}): Promise<void> {
    this.stopping ??= this.run(report);
    return this.stopping;
  }

  private async run(report: (step: string, error: unknown) => void): Promise<void> {
    for (const phase of shutdownPhases) {
      const steps = this.steps.get(phase) ?? [];
      await Promise.all(steps.map((step) => this.runStep(phase, step, report)));
    }
  }

  private async runStep(
    phase: ShutdownPhase,
    step: Step,
    report: (s: string, e: unknown) => void,
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`still running after ${this.stepTimeoutMs} ms`)),
        this.stepTimeoutMs,
      );
    });
    try {
      await Promise.race([Promise.resolve().then(step.run), timeout]);
    } catch (error) {
      report(`${phase}: ${step.name}`, error);
    } finally {
      clearTimeout(timer);
    }
  }
}
