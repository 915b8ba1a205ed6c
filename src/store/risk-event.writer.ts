import type { LimitTransition } from '../domain/events.js';
import type { PartitionService } from './partitions/partition.service.js';
import { ColumnTarget, type CopyColumn, jsonOrNull } from './writer/column-target.js';
import type { AppendResult } from './writer/row-target.js';
import { RowWriter, type RowWriterDeps } from './writer/row-writer.js';

interface EventRow extends LimitTransition {
  readonly tsMs: number;
  readonly metadata: string | null;
}

const columns: readonly CopyColumn<EventRow>[] = [
  { name: 'portfolio_id', write: (e, to) => to.text(e.portfolioId) },
  { name: 'limit_id', write: (e, to) => to.uuid(e.limitId) },
  { name: 'limit_type', write: (e, to) => to.text(e.limitType) },
  { name: 'from_status', write: (e, to) => to.text(e.from) },
  { name: 'to_status', write: (e, to) => to.text(e.to) },
  { name: 'value', write: (e, to) => (e.value === null ? to.null() : to.float8(e.value)) },
  { name: 'threshold_value', write: (e, to) => to.float8(e.thresholdValue) },
  { name: 'warning_threshold', write: (e, to) => to.float8(e.warningThreshold) },
  { name: '"timestamp"', write: (e, to) => to.timestamptz(e.tsMs) },
  { name: 'metadata', write: (e, to) => jsonOrNull(to, e.metadata) },
];

/** `risk_events`: every transition of every limit, by group commit like everything else. */
export class RiskEventWriter {
  private readonly writer: RowWriter<EventRow>;

  constructor(
    deps: Omit<RowWriterDeps<EventRow>, 'target' | 'onCommitted'>,
    partitions: PartitionService | null,
  ) {
    const bytes = (e: EventRow): number => 200 + (e.metadata?.length ?? 0);
    this.writer = new RowWriter({
      ...deps,
      target: new ColumnTarget('risk_events', columns, partitions, bytes),
    });
  }

  /**
   * @param transitions with the id of their limit as in `risk_limits` (a UUID)
   * @param metadata JSON text of an object, kept with each
   * @param alongside a statement (literals only) that commits together with them
   * @returns after the commit
   * @throws Problem 503; the call can be repeated
   */
  append(
    transitions: readonly LimitTransition[],
    metadata: string | null = null,
    alongside?: string,
  ): Promise<AppendResult> {
    const rows = transitions.map((e) => ({ ...e, tsMs: e.atMs, metadata }));
    return this.writer.append(rows, { alongside });
  }

  stop(): Promise<void> {
    return this.writer.stop();
  }
}
