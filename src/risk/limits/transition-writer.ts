import type { LimitTransition } from '../../domain/events.js';
import type { ModuleLogger } from '../../observability/logger.js';
import type { LimitReading, LimitRepository } from '../../store/limit.repository.js';
import type { RiskEventWriter } from '../../store/risk-event.writer.js';

/** Transitions that may wait for the database. */
const maxWaiting = 10_000;
const retryMs = 1_000;

/**
 * Makes transitions and readings durable, in order and together: the events and the state they led to commit in one
 * transaction. While the database is away they wait, up to a bound; then the oldest events go, counted.
 */
export class TransitionWriter {
  private events: LimitTransition[] = [];
  private readings = new Map<string, LimitReading>();
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limits: Pick<LimitRepository, 'saveReadings' | 'readingsStatement'>,
    private readonly eventRows: Pick<RiskEventWriter, 'append'>,
    private readonly onLost: (count: number) => void,
    private readonly log: ModuleLogger,
  ) {}

  add(reading: LimitReading, event: LimitTransition | null): void {
    this.readings.set(reading.id, reading);
    if (event) {
      this.events.push(event);
      const over = this.events.length - maxWaiting;
      if (over > 0) {
        this.events.splice(0, over);
        this.onLost(over);
      }
    }
    void this.flush();
  }

  /** Writes everything that waits; does not throw, what failed is tried again. */
  flush(): Promise<void> {
    this.running ??= this.write().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Writes what waits, once, and stops trying. */
  async stop(): Promise<void> {
    await this.flush();
    clearTimeout(this.timer);
  }

  private async write(): Promise<void> {
    while (this.events.length > 0 || this.readings.size > 0) {
      const events = this.events;
      const readings = this.readings;
      this.events = [];
      this.readings = new Map();
      try {
        const found = [...readings.values()];
        if (events.length === 0) await this.limits.saveReadings(found);
        else await this.eventRows.append(events, null, this.limits.readingsStatement(found));
      } catch (error) {
        this.log.warn(
          { err: error, events: events.length },
          'writing limit transitions failed; trying again',
        );
        this.events = [...events, ...this.events];
        for (const [id, reading] of readings) if (!this.readings.has(id)) this.readings.set(id, reading);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.flush(), retryMs);
        this.timer.unref();
        return;
      }
    }
  }
}
