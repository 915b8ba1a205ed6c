import type { ClientBase } from 'pg';
import { CommitOrder, type CommitTicket } from './writer/commit-order.js';

/** Numbers reserved in the database at a time; what a crash leaves unused becomes a hole. */
const blockSize = 1_000_000;

/**
 * The one source of `seq`, the total order of everything that moves portfolio values. Blocks of numbers are reserved
 * durably before use, so no number is ever given twice, whatever dies in between; a clean stop gives the rest back.
 */
export class SeqSource {
  private next = 0;
  private end = 0;
  private reserving: Promise<void> | undefined;
  private readonly order: CommitOrder;

  constructor(onAnnounceError?: (error: unknown) => void) {
    this.order = new CommitOrder(onAnnounceError);
  }

  /** True when `count` numbers can be taken without asking the database. */
  has(count: number): boolean {
    return this.end - this.next >= count;
  }

  /** Makes sure that `count` numbers can be taken. @param client a connection that is in no transaction */
  async ensure(count: number, client: Pick<ClientBase, 'query'>): Promise<void> {
    while (!this.has(count)) {
      this.reserving ??= this.reserve(Math.max(count, blockSize), client).finally(() => {
        this.reserving = undefined;
      });
      await this.reserving;
    }
  }

  /**
   * Takes `count` consecutive numbers and a place in the order of announcements. Synchronous, so that the order of
   * numbers is the order of calls. @throws Error when they were not ensured
   */
  take(count: number): CommitTicket {
    if (!this.has(count)) throw new Error(`seq: ${count} numbers were taken without being reserved`);
    const first = this.next;
    this.next += count;
    return this.order.ticket(first);
  }

  /** Gives unused numbers back; after the last write of this process. */
  async release(client: Pick<ClientBase, 'query'>): Promise<void> {
    if (this.end === this.next) return;
    const { next, end } = this;
    this.end = next;
    // Only when nobody reserved beyond us in the meantime.
    await client.query('UPDATE seq_source SET next_seq = $1 WHERE next_seq = $2', [next, end]);
  }

  private async reserve(count: number, client: Pick<ClientBase, 'query'>): Promise<void> {
    const { rows } = await client.query<{ end: string }>(
      'UPDATE seq_source SET next_seq = next_seq + $1 RETURNING next_seq AS end',
      [count],
    );
    const end = Number(rows[0]?.end);
    if (!Number.isSafeInteger(end)) throw new Error('seq: the table seq_source has no row');
    const first = end - count;
    // Another process may have reserved in between: what is left of our block is then not contiguous and is dropped.
    if (first !== this.end) this.next = first;
    this.end = end;
  }
}
