import type { LatencyRow } from '../../latency-windows.js';
import type { WindowReading } from '../../rolling-window.js';
import type { CollectorManifest, UnusableCollector } from '../collector.js';

/** What the server and the thread of a plugin tell each other. */

export interface ThreadData {
  /** The plugin's module. */
  readonly path: string;
  /** Where declarations are looked for. */
  readonly folders: readonly string[];
  /** Which of the definitions that the module exports this thread runs; `null`: it only says what there is. */
  readonly index: number | null;
}

/** An error as a message can carry it. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

export type ToThread =
  | {
      readonly do: 'collect';
      readonly run: number;
      readonly config: unknown;
      readonly lent: Lent;
      readonly windows: Readonly<Record<LatencyRow, WindowReading>>;
    }
  | { readonly do: 'abort'; readonly run: number; readonly reason: WireError }
  | { readonly do: 'answer'; readonly call: number; readonly value?: unknown; readonly error?: WireError }
  | { readonly do: 'stop' };

/** Which servers there are. */
export interface Lent {
  readonly database: boolean;
  readonly redis: 'external' | 'private' | null;
}

/** A definition without its code. */
export interface DescribedDefinition {
  readonly manifest: Omit<CollectorManifest, 'config'>;
  readonly hasConfig: boolean;
}
export type Described = DescribedDefinition | UnusableCollector | { readonly wrong: string };

export type Labels = Readonly<Record<string, string>>;

/** What happened since the last report; a run's samples only when it ended well or in part. */
export interface Report {
  readonly samples: readonly (readonly [metric: string, value: number, labels: Labels])[];
  readonly counters: readonly (readonly [metric: string, by: number, labels: Labels])[];
  readonly histograms: readonly (readonly [
    metric: string,
    counts: readonly number[],
    sum: number,
    labels: Labels,
  ])[];
  readonly records: readonly (readonly [row: LatencyRow, value: number])[];
  readonly failures: readonly { readonly part: string; readonly error: WireError }[];
  /** Time in which the thread was not idle, ms. */
  readonly busyMs: number;
}

export type FromThread =
  | { readonly say: 'loaded'; readonly definitions: readonly Described[] }
  | { readonly say: 'unusable'; readonly error: WireError }
  | {
      readonly say: 'call';
      readonly call: number;
      readonly what: 'query' | 'redis';
      readonly text: string;
      readonly args: readonly unknown[];
    }
  | {
      readonly say: 'log';
      readonly level: 'debug' | 'info' | 'warn';
      readonly fields: object;
      readonly message: string;
    }
  | { readonly say: 'aborting'; readonly run: number }
  | { readonly say: 'done'; readonly run: number; readonly report: Report; readonly error?: WireError }
  | { readonly say: 'fault'; readonly error: WireError }
  | { readonly say: 'stopped' };

export function toWire(error: unknown): WireError {
  if (typeof error !== 'object' || error === null)
    return { name: 'Error', message: String(error), code: undefined };
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  return {
    name: String(name ?? 'Error'),
    message: String(message ?? error).slice(0, 1_000),
    code: typeof code === 'string' ? code : undefined,
  };
}

export function fromWire({ name, message, code }: WireError): Error {
  const error = new Error(message);
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}
