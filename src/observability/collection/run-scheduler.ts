import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';

/** Runs something once, later, under a name. */
export abstract class RunScheduler {
  /** Replaces what was planned under the name. */
  abstract at(name: string, delayMs: number, run: () => void): void;
  abstract cancel(name: string): void;
}

/** Over Nest's registry, where every schedule of the process is listed. One timer per run: intervals cannot jitter. */
@Injectable()
export class NestRunScheduler extends RunScheduler {
  constructor(private readonly registry: SchedulerRegistry) {
    super();
  }

  at(name: string, delayMs: number, run: () => void): void {
    this.cancel(name);
    const timer = setTimeout(() => {
      this.registry.deleteTimeout(name);
      run();
    }, delayMs);
    this.registry.addTimeout(name, timer);
  }

  cancel(name: string): void {
    if (this.registry.doesExist('timeout', name)) this.registry.deleteTimeout(name);
  }
}
