import type { ModuleLogger } from '../../observability/logger.js';
import { type Retention, retentionDays, type TimeTable, timeTables } from '../retention.js';
import { errorCode, messageOf } from '../writer/sqlstate.js';
import type { Partition, PartitionRepository } from './partition.repository.js';
import { Coverage, type TimeRange, widthFor } from './partition-plan.js';

/** Partitions kept ready beyond the one of now. */
const wantedAhead = 3;
const attachAttempts = 5;
const dayMs = 86_400_000;

export interface PartitionStatus {
  readonly table: TimeTable;
  readonly partitions: number;
  /** Partitions that exist beyond the one of now, without a gap. */
  readonly ahead: number;
}

/**
 * Keeps the partitions of every time table: some ahead of the clock, those of historic rows on demand, those beyond the
 * retention gone. There is no DEFAULT partition: it would forbid both adding ranges under load and detaching without a
 * lock.
 */
export class PartitionService {
  private readonly coverage = new Map<TimeTable, Coverage>();
  private readonly making = new Map<TimeTable, Promise<void>>();

  constructor(
    private readonly repository: PartitionRepository,
    private readonly retention: Retention,
    private readonly log: ModuleLogger,
    private readonly now: () => number = Date.now,
  ) {}

  /** Reads the catalogue and makes what is needed now. */
  async start(): Promise<void> {
    for (const table of timeTables) await this.reload(table);
    await this.makeAhead();
  }

  async makeAhead(): Promise<void> {
    for (const table of timeTables) {
      let at = this.now();
      for (let i = 0; i <= wantedAhead; i++) {
        await this.ensure(table, at);
        at = this.coverage.get(table)?.holding(at)?.toMs ?? at;
      }
    }
  }

  /** Whether a partition for this moment is known to exist; quick enough for every row. */
  private covers(table: TimeTable, tsMs: number): boolean {
    return this.coverage.get(table)?.covers(tsMs) ?? false;
  }

  /**
   * Makes the partitions that rows need.
   * @param isMissing the database has said that there is one missing, whatever is known here
   */
  async prepare(
    table: TimeTable,
    rows: readonly { readonly tsMs: number }[],
    isMissing: boolean,
  ): Promise<void> {
    if (isMissing) await this.reload(table);
    for (const { tsMs } of rows) {
      if (!this.covers(table, tsMs)) await this.ensure(table, tsMs);
    }
  }

  /**
   * Drops what is older than its table keeps. `mayDrop` has the last word: a roll-up may still need the rows.
   * @returns names of the dropped partitions
   */
  async applyRetention(
    mayDrop: (table: TimeTable, range: TimeRange) => Promise<boolean> = async () => true,
  ): Promise<string[]> {
    const dropped: string[] = [];
    for (const table of timeTables) {
      const days = retentionDays(table, this.retention);
      if (days === null) continue;
      const edge = this.now() - days * dayMs;
      for (const partition of await this.repository.list(table)) {
        if (partition.toMs > edge && !partition.detachPending) continue;
        if (!(await mayDrop(table, partition))) continue;
        if (await this.drop(table, partition)) dropped.push(partition.name);
      }
    }
    return dropped;
  }

  /** Partitions that exist beyond the one of now, without a gap. */
  aheadOf(table: TimeTable): number {
    return this.coverage.get(table)?.aheadOf(this.now()) ?? 0;
  }

  status(): PartitionStatus[] {
    return timeTables.map((table) => {
      const coverage = this.coverage.get(table) ?? new Coverage();
      return {
        table,
        partitions: coverage.all.length,
        ahead: coverage.aheadOf(this.now()),
      };
    });
  }

  private async reload(table: TimeTable): Promise<void> {
    const partitions = await this.repository.list(table);
    this.coverage.set(table, new Coverage(partitions.filter((p) => !p.detachPending)));
  }

  private async ensure(table: TimeTable, tsMs: number): Promise<void> {
    while (!this.covers(table, tsMs)) {
      // One at a time per table: a batch of old rows is the same question from every connection.
      const busy = this.making.get(table);
      if (busy) {
        await busy;
        continue;
      }
      const work = this.make(table, tsMs).finally(() => this.making.delete(table));
      this.making.set(table, work);
      await work;
    }
  }

  private async make(table: TimeTable, tsMs: number): Promise<void> {
    const width = widthFor(retentionDays(table, this.retention));
    for (let attempt = 1; ; attempt++) {
      try {
        const made = await this.repository.create(table, (existing) => {
          // Another process may have been quicker.
          const coverage = new Coverage(existing);
          this.coverage.set(table, coverage);
          return coverage.covers(tsMs) ? null : coverage.plan(tsMs, width);
        });
        if (made) {
          this.coverage.get(table)?.add(made);
          this.log.debug({ table, from: new Date(made.fromMs), to: new Date(made.toMs) }, 'partition made');
        }
        return;
      } catch (error) {
        // A lock that does not come in time (55P03), or a deadlock with a long reader: nobody was blocked, try again.
        const passing = errorCode(error) === '55P03' || errorCode(error) === '40P01';
        if (!passing || attempt === attachAttempts) throw error;
      }
    }
  }

  private async drop(table: TimeTable, partition: Partition): Promise<boolean> {
    // Rows for it are refused at the door from the retention's edge on; nobody should think it is still there.
    this.coverage.get(table)?.remove(partition);
    try {
      await this.repository.drop(table, partition);
      this.log.info({ table, partition: partition.name }, 'partition beyond the retention dropped');
      return true;
    } catch (error) {
      // The next run finalises what a long transaction has held up.
      this.log.warn({ table, partition: partition.name, reason: messageOf(error) }, 'partition not dropped');
      return false;
    }
  }
}
