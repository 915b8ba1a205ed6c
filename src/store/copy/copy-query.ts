import type { Connection, Submittable } from 'pg';

/** Rows of one statement's answer, column values as the text the server sent. */
export interface StatementResult {
  readonly command: string;
  readonly rows: (string | null)[][];
}

/** `CopyDone` followed by nothing: tells the server that the data has ended. */
const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * A string of statements with at most one `COPY … FROM STDIN` in it, sent in **one round trip**: the rows follow the
 * query at once, without waiting for the server to ask for them. PostgreSQL reads the socket in order, so they arrive
 * when the `COPY` runs; when an earlier statement has failed, it ignores them, as the protocol demands.
 *
 * `BEGIN; …; COPY …; …; COMMIT` is therefore one transaction in one round trip. After an error the transaction is still
 * open and the caller rolls it back.
 */
export class CopyQuery implements Submittable {
  readonly done: Promise<StatementResult[]>;
  private readonly results: StatementResult[] = [];
  private rows: (string | null)[][] = [];
  private connection: Connection | undefined;
  private readonly waiting: Buffer[] = [];
  private ended = false;
  private settled = false;
  private resolve!: (results: StatementResult[]) => void;
  private reject!: (error: Error) => void;

  /** @param sql the statements; kept out of a `text` property, by which tracing would take this for a plain query */
  constructor(private readonly sql: string) {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // The caller awaits `done` after its last write; an earlier failure must not count as unhandled until then.
    this.done.catch(() => undefined);
  }

  /** @param frame a `CopyData` message of {@link CopyBuffer.takeFrame} */
  write(frame: Buffer): void {
    if (this.settled) return;
    if (this.connection) this.connection.stream.write(frame);
    else this.waiting.push(frame);
  }

  /** No more rows. */
  end(): void {
    this.ended = true;
    if (this.connection && !this.settled) this.connection.stream.write(copyDone);
  }

  submit(connection: Connection): void {
    this.connection = connection;
    connection.stream.cork();
    connection.query(this.sql);
    for (const frame of this.waiting) connection.stream.write(frame);
    if (this.ended) connection.stream.write(copyDone);
    connection.stream.uncork();
    this.waiting.length = 0;
  }

  handleRowDescription(): void {
    this.rows = [];
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.rows.push(message.fields);
  }

  handleCommandComplete(message: { text: string }): void {
    this.results.push({ command: message.text, rows: this.rows });
    this.rows = [];
  }

  handleCopyInResponse(): void {}

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(this.results);
  }

  handleError(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.reject(error);
  }

  /** Found and replaced by `pg` when a query timeout is set. */
  callback(): void {}
}
