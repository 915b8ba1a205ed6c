import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricPoint } from '../../domain/metric-point.js';
import type { Tick } from '../../domain/tick.js';
import type { IngestAnswer } from '../../ingest/ingest-report.js';
import { StartupError } from '../../startup-error.js';
import type { RowKindName } from './row-file.js';

/** How long a server that is away (restarting, its database down) is waited for. */
const patienceMs = 120_000;
const firstPauseMs = 200;
const longestPauseMs = 3_000;
/** A server that has taken the request and says nothing for this long is asked again. */
const answerTimeoutMs = 60_000;

export interface SentCounts {
  sent: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  /** Rows of requests that the server had answered before; nothing of them was stored now. */
  replayed: number;
  /** Requests that had to be repeated. */
  retries: number;
}

export interface RowSenderOptions {
  readonly url: string;
  readonly kind: RowKindName;
  /** Requests are named `<prefix>-<number>`, so that a repeated one stores nothing twice. */
  readonly keyPrefix: string;
  readonly signal?: AbortSignal | undefined;
  /** Told when the server is away, and why. */
  readonly onRetry?: (reason: string) => void;
  readonly onRejected?: (code: string, message: string) => void;
}

interface Answered {
  readonly answer: IngestAnswer;
  readonly replayed: boolean;
}

/** Sends rows to a running server, request by request, through restarts of the server and of its database. */
export class RowSender {
  readonly counts: SentCounts = { sent: 0, accepted: 0, duplicates: 0, rejected: 0, replayed: 0, retries: 0 };
  private requests = 0;

  constructor(private readonly options: RowSenderOptions) {}

  /** @returns when the rows are durable @throws StartupError when the server refuses them or stays away */
  async send(rows: readonly (Tick | MetricPoint)[]): Promise<void> {
    if (rows.length === 0) return;
    const key = `${this.options.keyPrefix}-${this.requests++}`;
    const retries = this.counts.retries;
    const { answer, replayed } = await this.post(key, rows.map(lineOf).join(''));
    const { counts } = this;
    counts.sent += rows.length;
    // An answer that is replayed after a retry is the lost answer to this very request.
    if (replayed && retries === counts.retries) counts.replayed += answer.accepted;
    else counts.accepted += answer.accepted;
    counts.duplicates += answer.duplicates;
    counts.rejected += answer.rejected_total;
    for (const { code, message } of answer.rejected) this.options.onRejected?.(code, message);
  }

  private async post(key: string, body: string): Promise<Answered> {
    const { url, kind, onRetry } = this.options;
    const deadline = Date.now() + patienceMs;
    for (let pause = firstPauseMs; ; pause = Math.min(longestPauseMs, pause * 2)) {
      const outcome = await this.attempt(`${url}/api/v1/ingest/${kind}`, key, body);
      if (typeof outcome !== 'string') return outcome;
      if (Date.now() + pause > deadline) throw new StartupError(outcome);
      this.counts.retries++;
      onRetry?.(outcome);
      await sleep(pause, undefined, { signal: this.options.signal });
    }
  }

  /** @returns the answer, or why it is worth trying again */
  private async attempt(url: string, key: string, body: string): Promise<Answered | string> {
    const { signal } = this.options;
    const timeout = AbortSignal.timeout(answerTimeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': key },
        body,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      return `no answer from ${url}: ${reasonOf(error)}`;
    }
    if (response.ok) {
      const answer = JSON.parse(text) as IngestAnswer;
      return { answer, replayed: response.headers.get('idempotency-replayed') === 'true' };
    }
    const problem = `${url} answered ${response.status}: ${detailOf(text)}`;
    // 409: an attempt whose connection was lost is still under way.
    if (response.status === 503 || response.status === 409) return problem;
    throw new StartupError(problem);
  }
}

const reasonOf = (error: unknown): string => {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  return cause?.code ?? cause?.message ?? message;
};

function detailOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}

const lineOf = (row: Tick | MetricPoint): string => ('symbol' in row ? tickLine(row) : pointLine(row));

const tickLine = ({ symbol, tsMs, price, size, sourceId }: Tick): string =>
  `{"symbol":"${symbol}","ts":${tsMs},"price":${price}${size === null ? '' : `,"size":${size}`}${
    sourceId === null ? '' : `,"id":${JSON.stringify(sourceId)}`
  }}\n`;

const pointLine = ({ portfolioId, metricType, value, tsMs, metadata }: MetricPoint): string =>
  `{"portfolio_id":"${portfolioId}","metric_type":"${metricType}","value":${value},"timestamp":${tsMs}${
    metadata === null ? '' : `,"metadata":${metadata}`
  }}\n`;
