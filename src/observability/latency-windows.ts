import { coarseNowMs } from './coarse-clock.js';
import { RollingWindow, type WindowReading } from './rolling-window.js';

/** The rows of the threshold table (`targets` in alerts/thresholds.yml) and the unit of what is recorded for each. */
export const latencyRows = {
  /** Seconds from request parsed to response sent. */
  api_response_time: 'seconds',
  /** Seconds from a publication's making to its last byte handed to the socket; echo round trips of clients. */
  websocket_latency: 'seconds',
  /** Messages handed to sockets; read `perSecond`. Add up, don't sample: `windows.record('websocket_throughput', 250)`. */
  websocket_throughput: 'messages',
  /** Messages that were to be handed to sockets, delivered or not: the demand that throughput is judged against. */
  websocket_demand: 'messages',
  /** Seconds of one analytical query, wait for a connection included. */
  query_time: 'seconds',
  /** Seconds of one VaR calculation, wait for a worker included. */
  var_time: 'seconds',
  /** Seconds from a tick's commit (or from its ingest, where that is known) to the analytics figure that includes it. */
  analytics_update: 'seconds',
  /** Resident bytes of this process, sampled. */
  memory: 'bytes',
  /** CPU of this process as a fraction of what it may use (quota or cores), sampled; 1 is all of it. */
  cpu: 'ratio',
} as const;
export type LatencyRow = keyof typeof latencyRows;

/**
 * The last five minutes of each row of the threshold table, judged in the process itself: what `/api/v1/ops/targets`
 * answers with no Prometheus at all. Metrics whose spec names a `window` feed them (`Metrics.windows`).
 */
export class LatencyWindows {
  private readonly windows: Readonly<Record<LatencyRow, RollingWindow>>;

  /** @param now Unix ms; when not given, values are sorted by a clock that may lag by some milliseconds */
  constructor(now?: () => number) {
    this.windows = Object.fromEntries(
      Object.keys(latencyRows).map((row) => [row, new RollingWindow(now ?? Date.now, now ?? coarseNowMs)]),
    ) as Record<LatencyRow, RollingWindow>;
  }

  /** @param value in the row's unit */
  record(row: LatencyRow, value: number): void {
    this.windows[row].add(value);
  }

  of(row: LatencyRow): RollingWindow {
    return this.windows[row];
  }

  /** @param windowSeconds at most 300 */
  read(row: LatencyRow, windowSeconds = 60): WindowReading {
    return this.windows[row].read(windowSeconds);
  }
}
