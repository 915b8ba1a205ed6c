import { Injectable } from '@nestjs/common';

/** One connection pool as its owner sees it. */
export interface PoolStatus {
  readonly name: string;
  readonly max: number;
  /** Open connections: `idle + inUse`. */
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  /** Requests that got none in time, since the start. */
  readonly acquireTimeouts: number;
  /** Connections found broken, since the start. */
  readonly invalidConnections: number;
  /** How long requests waited within the last minutes, seconds; `null` where none did. */
  readonly wait: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
    readonly count: number;
  };
}

/** One WebSocket connection as the hub sees it. */
export interface ConnectionStatus {
  readonly topics: number;
  readonly bytesQueued: number;
  readonly messagesQueued: number;
  /** Age of the oldest message that still waits, ms; 0 when none does. */
  readonly lagMs: number;
}

/** One finding of the store about itself. */
export interface StorageFinding {
  readonly probe: string;
  readonly object: string;
  readonly severity: 'ok' | 'advice' | 'warning';
  readonly value: number | null;
  readonly howToFix: string;
  /** What is missing on this branch of the schema (probe `branch`). */
  readonly lost?: readonly string[];
}

/** What stages lend to collectors, by name. */
export interface SourceMap {
  pools: () => readonly PoolStatus[];
  connections: () => Iterable<ConnectionStatus>;
  'storage-findings': (
    query: <Row extends object>(sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>,
  ) => Promise<readonly StorageFinding[]>;
}

/** Where stages leave what collectors may read, so that observability knows none of the stages. */
@Injectable()
export class Sources {
  private readonly provided = new Map<keyof SourceMap, unknown>();

  provide<K extends keyof SourceMap>(name: K, source: SourceMap[K]): void {
    this.provided.set(name, source);
  }

  /** `undefined` in a process that has no such stage. */
  get<K extends keyof SourceMap>(name: K): SourceMap[K] | undefined {
    return this.provided.get(name) as SourceMap[K] | undefined;
  }
}
