import { duplicateKey } from '../domain/duplicate-key.js';
import { errorMessage, type MessageId } from '../domain/error-message.js';
import { Problem, wrongField } from '../domain/problem.js';
import { inClientTrace, traceparentPattern } from '../observability/tracing/tracing.js';
import type { IngestOutcome } from './ingest-report.js';

/** What the protocol needs of a WebSocket. */
export interface IngestSocket {
  send(text: string): void;
  /** Stops and resumes reading: back-pressure by TCP. */
  readonly socket: { pause(): unknown; resume(): unknown };
}

/** Rows of one message, as `JSON.parse` left them. */
export interface MessageRows {
  readonly kind: 'ticks' | 'metrics';
  readonly values: readonly unknown[];
  readonly idempotencyKey?: string | undefined;
}

type StoreRows = (rows: MessageRows) => Promise<IngestOutcome>;

/** Messages of one connection that may be on their way to the database before it is not read any further… */
const pauseAbove = 16;
/** …and resumed, once this few are left. */
const resumeBelow = 8;
/** What was in the receive buffer when reading stopped is still taken, up to this many. */
const refuseAbove = 64;

const members: Readonly<Record<string, readonly string[]>> = {
  ticks: ['type', 'id', 'ticks', 'key', 'traceparent'],
  metrics: ['type', 'id', 'points', 'key', 'traceparent'],
  ping: ['type', 'id', 'timestamp', 'traceparent'],
};

/**
 * One client of `/ws/ingest`:
 *
 *     → {"type": "ticks", "id": 7, "ticks": [{…}], "key": "…"?, "traceparent": "…"?}   or "metrics" with "points"
 *     ← {"type": "ack", "id": 7, "accepted": 2, "duplicates": 0, "rejected": [], "rejected_total": 0}
 *     ← {"type": "error", "id": 7, "code": "BUFFER_FULL", "message": "…", …, "retry_after_ms": 1000}
 *
 * An ack is sent when the rows are durable; acks come in the order in which that happens. A message without an ack may
 * be repeated; with a `key` (an Idempotency-Key) that stores nothing twice.
 */
export class IngestSession {
  private inFlight = 0;
  private paused = false;

  constructor(
    private readonly socket: IngestSocket,
    private readonly store: StoreRows,
    private readonly onDefect: (error: unknown) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** One text message. Never throws. */
  receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.refuse(null, new Problem(400, 'MALFORMED_JSON', 'The message is not JSON.'));
      return;
    }
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      this.refuse(null, wrongField('', 'is not a JSON object'));
      return;
    }
    const twice = duplicateKey(text, message);
    if (twice !== undefined) {
      this.refuse(null, wrongField(twice, 'is given twice', 'DUPLICATE_KEY'));
      return;
    }
    this.handle(message as Record<string, unknown>);
  }

  private handle(message: Record<string, unknown>): void {
    const id = isId(message.id) ? message.id : null;
    const type = String(message.type);
    const known = Object.hasOwn(members, type) ? members[type] : undefined;
    if (known === undefined) {
      const detail = 'The type of a message is ticks, metrics or ping.';
      const errors = [{ pointer: '/type', code: 'UNKNOWN_TYPE', message: detail }];
      this.refuse(id, new Problem(422, 'UNKNOWN_TYPE', detail, { errors }));
      return;
    }
    const unknown = Object.keys(message).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      const pointer = `/${unknown.slice(0, 40).replaceAll('~', '~0').replaceAll('/', '~1')}`;
      this.refuse(id, wrongField(pointer, 'is not a known field', 'UNKNOWN_FIELD'));
    } else if (type === 'ping') {
      const { timestamp } = message;
      this.send({ type: 'pong', ...(id === null ? {} : { id }), timestamp, server_time: this.now() });
    } else if (id === null) {
      this.refuse(null, wrongField('/id', 'is to be a text of 1 to 64 characters or a whole number'));
    } else {
      this.rows(id, type as MessageRows['kind'], message);
    }
  }

  private rows(id: MessageId, kind: MessageRows['kind'], message: Record<string, unknown>): void {
    const list = kind === 'ticks' ? 'ticks' : 'points';
    const { [list]: values, key, traceparent } = message;
    if (!Array.isArray(values)) {
      this.refuse(id, wrongField(`/${list}`, 'is to be a list'));
    } else if (key !== undefined && !(typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key))) {
      this.refuse(id, wrongField('/key', 'is to be a text of 1 to 255 printable characters'));
    } else if (
      traceparent !== undefined &&
      !(typeof traceparent === 'string' && traceparentPattern.test(traceparent))
    ) {
      this.refuse(id, wrongField('/traceparent', 'is to be W3C Trace Context'));
    } else if (this.inFlight >= refuseAbove) {
      const detail = 'Wait for acks before sending more.';
      this.refuse(id, new Problem(429, 'TOO_MANY_IN_FLIGHT', detail, { retryAfterSeconds: 1 }));
    } else {
      this.count(1);
      inClientTrace(traceparent, `ws ${kind}`, { 'tidewatch.rows': values.length }, () =>
        this.store({ kind, values, idempotencyKey: key }),
      )
        .then(
          ({ answer, replayed }) =>
            this.send({ type: 'ack', id, ...answer, ...(replayed ? { replayed } : {}) }),
          (error: unknown) => this.failed(id, error),
        )
        .finally(() => this.count(-1));
    }
  }

  private failed(id: MessageId, error: unknown): void {
    if (error instanceof Problem) {
      this.refuse(id, error);
      return;
    }
    this.onDefect(error);
    this.refuse(id, new Problem(500, 'INTERNAL_ERROR', 'The server failed; the rows may not be stored.'));
  }

  private count(by: 1 | -1): void {
    this.inFlight += by;
    if (!this.paused && this.inFlight > pauseAbove) {
      this.paused = true;
      this.socket.socket.pause();
    } else if (this.paused && this.inFlight < resumeBelow) {
      this.paused = false;
      this.socket.socket.resume();
    }
  }

  private refuse(id: MessageId | null, problem: Problem): void {
    this.socket.send(errorMessage(problem, id));
  }

  private send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }
}

const isId = (id: unknown): id is MessageId =>
  typeof id === 'number'
    ? Number.isSafeInteger(id)
    : typeof id === 'string' && id.length > 0 && id.length <= 64;
