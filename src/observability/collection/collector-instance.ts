import { documentFaults } from '../../domain/document-faults.js';
import type { Collector, CollectorDefinition, CollectorHost, CollectorLog } from './collector.js';
import { CollectorClients, type OpenRun, type SharedClients } from './collector-clients.js';
import { describe, SchemaError } from './error-class.js';
import type { StagedMetrics } from './staged-metrics.js';

interface Live {
  readonly collector: Collector;
  readonly clients: CollectorClients;
  readonly started: boolean;
}

/**
 * The collector itself: created and started by the first run that needs it, kept for those that follow, and replaced
 * after one that cannot be trusted any more.
 */
export class CollectorInstance {
  private live: Live | null = null;

  constructor(
    private readonly definition: CollectorDefinition,
    private readonly shared: SharedClients,
    private readonly staged: StagedMetrics,
    private readonly log: CollectorLog,
    private readonly config: unknown,
    private readonly host: CollectorHost,
    private readonly stopTimeoutMs: number,
  ) {}

  /** @returns what went wrong; it fails the run */
  async prepare(): Promise<{ readonly error: unknown } | null> {
    try {
      await this.definition.prepare?.();
      return null;
    } catch (error) {
      return { error };
    }
  }

  /** One run. A failure to create or to start is a failed run. */
  async work(run: OpenRun, unprepared: { readonly error: unknown } | null): Promise<void> {
    if (unprepared !== null) throw unprepared.error;
    this.live ??= await this.create();
    const { collector, clients, started } = this.live;
    this.staged.begin();
    clients.open(run);
    if (!started) {
      await collector.start?.();
      run.signal.throwIfAborted();
      this.live = { collector, clients, started: true };
    }
    await collector.collect(run.signal);
    run.meter.cost.samples = this.staged.stagedCount;
  }

  /** The run is over: whatever the collector does now reaches neither servers nor metrics. */
  close(): void {
    this.live?.clients.close();
  }

  /** The next run makes a new one. Waits for `stop()`, but not for ever. */
  async retire(): Promise<void> {
    const { live } = this;
    this.live = null;
    if (live === null) return;
    live.clients.close();
    let timer: NodeJS.Timeout | undefined;
    try {
      const tooLong = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('stop() does not end')), this.stopTimeoutMs);
      });
      await Promise.race([Promise.resolve(live.collector.stop?.()), tooLong]);
    } catch (error) {
      const collector = this.definition.manifest.name;
      this.log.warn({ collector, reason: describe(error) }, 'a collector failed to stop');
    } finally {
      clearTimeout(timer);
    }
  }

  private async create(): Promise<Live> {
    const config = await this.validConfig();
    const clients = new CollectorClients(this.shared, this.staged, this.log);
    return { collector: this.definition.create(clients.context(config), this.host), clients, started: false };
  }

  private async validConfig(): Promise<unknown> {
    const result = await this.definition.manifest.config['~standard'].validate(this.config ?? {});
    if (result.issues === undefined) return result.value;
    throw new SchemaError(`configuration: ${documentFaults(result.issues, this.config ?? {})}`);
  }
}
