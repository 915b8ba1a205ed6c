/** Body bytes of rows that may be parsed and not durable. */
const maxBufferedBytes = 128 * 1024 * 1024;

/**
 * What all uploads together may hold: rows that are parsed and rows that wait for their commit. Uploads are paused above
 * the limit and new ones refused; a paused upload goes on as soon as the writer has caught up.
 */
export class RowBudget {
  private bufferedRows = 0;
  private bufferedBytes = 0;
  private appendingRows = 0;
  private waiting: (() => void)[] = [];

  constructor(
    readonly maxRows: number,
    private readonly maxBytes = maxBufferedBytes,
  ) {}

  get rows(): number {
    return this.bufferedRows;
  }

  get bytes(): number {
    return this.bufferedBytes;
  }

  get isFull(): boolean {
    return this.bufferedRows >= this.maxRows || this.bufferedBytes >= this.maxBytes;
  }

  /** Whether waiting can help: something is on its way to the database. */
  get isDraining(): boolean {
    return this.appendingRows > 0;
  }

  /** Whether the writer should be given this many rows now. One batch always fits into an idle writer. */
  hasRoomToAppend(rows: number): boolean {
    return this.appendingRows === 0 || this.appendingRows + rows <= this.maxRows;
  }

  /** Rows were parsed. */
  hold(rows: number, bytes: number): void {
    this.bufferedRows += rows;
    this.bufferedBytes += bytes;
  }

  appending(rows: number): void {
    this.appendingRows += rows;
  }

  appended(rows: number): void {
    this.appendingRows -= rows;
    this.wake();
  }

  /** Held rows are durable, refused or given up. */
  release(rows: number, bytes: number): void {
    this.bufferedRows -= rows;
    this.bufferedBytes -= bytes;
    this.wake();
  }

  /** The next time that something is released. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
