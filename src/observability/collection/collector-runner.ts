import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { EventBus } from '../../domain/event-bus.js';
import type { AlertChanged } from '../../domain/events.js';
import { notFound } from '../../domain/problem.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { RedisProvider } from '../../store/redis.provider.js';
import { collectorLastSuccessAge, collectorSampleAge, collectorStale } from '../catalogue/watching.js';
import { Logger, type ModuleLogger } from '../logger.js';
import { Metrics } from '../metrics.js';
import type { SharedClients } from './collector-clients.js';
import { CollectorPool } from './collector-database.js';
import { readCollectorSettings } from './collector-settings.js';
import { CollectorTask } from './collector-task.js';
import { type BrokenCollector, discover, type FoundCollector, type Places } from './discovery.js';
import { describe } from './error-class.js';
import { placesOf } from './places.js';
import { RunScheduler } from './run-scheduler.js';
import { Sources } from './sources.js';

/** A burst ends by itself after this, should the news of the alert's end be lost. */
const longestBurstMs = 15 * 60_000;
/** Alerts remembered as active at a time. */
const maxActiveAlerts = 1_000;

/** What an operator may change at run time; in force until the next start. */
export interface CollectorChange {
  readonly enabled?: boolean | undefined;
  readonly intervalMs?: number | undefined;
}

/** Finds the collectors and keeps them running, each by itself. */
@Injectable()
export class CollectorRunner implements OnApplicationBootstrap {
  private readonly tasks = new Map<string, CollectorTask>();
  private readonly activeAlerts = new Map<string, string>();
  private readonly log: ModuleLogger;
  private readonly shared: SharedClients;
  private readonly pool: CollectorPool | null;
  private brokenList: readonly BrokenCollector[] = [];

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly scheduler: RunScheduler,
    private readonly lifecycle: Lifecycle,
    logger: Logger,
    redis: RedisProvider,
    sources: Sources,
    bus: EventBus,
  ) {
    this.log = logger.child('collectors');
    const url = config.get('DATABASE_URL');
    this.pool =
      url === undefined
        ? null
        : new CollectorPool(url, (error) =>
            this.log.debug({ reason: describe(error) }, 'an idle connection broke'),
          );
    this.shared = {
      pool: this.pool,
      redis:
        redis.client === null || redis.mode === 'none' ? null : { client: redis.client, mode: redis.mode },
      sources,
      windows: metrics.windows,
      nowMs: Date.now,
    };
    metrics.beforeRead(() => this.expire());
    bus.on('alert.changed', (event) => this.follow(event));
    lifecycle.onShutdown('stop-intake', 'collectors', () => this.stop());
    lifecycle.onShutdown('close', 'collector pool', () => this.pool?.end());
  }

  /** Never rejects: watching that fails to start is reported and the server starts all the same. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.load(placesOf(this.config));
    } catch (error) {
      this.log.error({ reason: describe(error) }, 'collectors could not be started');
    }
  }

  /** Finds and starts what is in these places. */
  async load(places: Places): Promise<void> {
    const settings = readCollectorSettings(this.config.get('COLLECTORS_CONFIG'));
    const { found, broken } = await discover(places);
    this.brokenList = broken;
    for (const { name, path, error } of broken) {
      this.log.warn({ collector: name, path, reason: error }, 'a collector cannot be used');
    }
    for (const name of Object.keys(settings)) {
      if (!found.some(({ definition }) => definition.manifest.name === name)) {
        this.log.warn({ collector: name }, 'the configuration names a collector that does not exist');
      }
    }
    if (this.lifecycle.isStopping) return;
    for (const one of found) this.add(one, settings[one.definition.manifest.name] ?? {});
    this.log.info({ collectors: [...this.tasks.keys()], broken: broken.length }, 'collectors started');
  }

  list(): readonly CollectorTask[] {
    return [...this.tasks.values()];
  }

  get broken(): readonly BrokenCollector[] {
    return this.brokenList;
  }

  /** @throws Problem 404 */
  get(name: string): CollectorTask {
    const task = this.tasks.get(name);
    if (task === undefined) throw notFound('collector', name);
    return task;
  }

  /** @throws Problem 404 */
  async change(name: string, { enabled, intervalMs }: CollectorChange): Promise<CollectorTask> {
    const task = this.get(name);
    if (intervalMs !== undefined) task.setInterval(intervalMs);
    if (enabled === true) task.enable();
    if (enabled === false) await task.disable();
    this.log.info({ collector: name, enabled, interval_ms: intervalMs }, 'a collector was changed by API');
    return task;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.tasks.values()].map((task) => task.disable()));
  }

  private add(
    { definition, origin }: FoundCollector,
    settings: ReturnType<typeof readCollectorSettings>[string],
  ): void {
    const { name, intervalMs } = definition.manifest;
    try {
      const task = new CollectorTask(
        definition,
        origin,
        this.shared,
        this.metrics,
        this.scheduler,
        this.log,
        {
          enabled: settings.enabled ?? true,
          intervalMs: settings.interval_seconds === undefined ? intervalMs : settings.interval_seconds * 1000,
          config: settings.config ?? {},
        },
      );
      this.tasks.set(name, task);
      this.reportAges(task);
      if (settings.enabled ?? true) task.enable();
    } catch (error) {
      this.log.warn({ collector: name, reason: describe(error) }, 'a collector cannot be used');
    }
  }

  /** Ages are computed when they are read: a collector that died cannot keep them young. */
  private reportAges(task: CollectorTask): void {
    const labels = { collector: task.name };
    this.metrics.gaugeFrom(collectorLastSuccessAge, labels, () => seconds(task.ageMs));
    this.metrics.gaugeFrom(collectorSampleAge, labels, () => seconds(task.staged.ageMs(Date.now())));
    this.metrics.gaugeFrom(collectorStale, labels, () => (task.enabled ? Number(task.stale) : null));
  }

  private expire(): void {
    for (const task of this.tasks.values()) task.expire();
  }

  /** Related collectors look closer while an alert is pending or firing. */
  private follow({ id, name, state }: AlertChanged): void {
    if (state === 'resolved') this.activeAlerts.delete(id);
    else if (this.activeAlerts.size < maxActiveAlerts) this.activeAlerts.set(id, name);
    const active = [...new Set(this.activeAlerts.values())];
    for (const task of this.tasks.values()) {
      const patterns = task.definition.manifest.burst?.alerts ?? [];
      if (active.some((alert) => patterns.some((pattern) => matches(pattern, alert)))) {
        task.burst(Date.now() + longestBurstMs);
      } else task.endBurst();
    }
  }
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
