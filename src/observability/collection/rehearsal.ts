import type { CollectorDefinition } from './collector.js';
import { type DryRun, dryRun } from './dry-run.js';
import { type SourceMap, Sources } from './sources.js';

/** Captured or made-up answers in place of servers. */
export interface Fakes {
  /** Answers a query with rows; `undefined` for one it does not know fails the run. */
  readonly query?: (sql: string, parameters: readonly unknown[]) => readonly object[] | undefined;
  readonly redis?: (command: string, ...args: string[]) => unknown;
  readonly sources?: Partial<SourceMap>;
  readonly config?: unknown;
  readonly runs?: number;
}

/** Runs a collector through the real runner over fakes: what a collector's own test asserts on. */
export async function rehearse(definition: CollectorDefinition, fakes: Fakes = {}): Promise<DryRun> {
  const sources = new Sources();
  for (const [name, source] of Object.entries(fakes.sources ?? {}))
    sources.provide(name as keyof SourceMap, source);
  const { query, redis } = fakes;
  return dryRun(definition, {
    clients: {
      sources,
      pool: query === undefined ? null : { forRun: () => ({ query: answering(query) }) },
      redis:
        redis === undefined
          ? null
          : { mode: 'external', client: { call: async (command, ...args) => redis(command, ...args) } },
    },
    config: fakes.config,
    runs: fakes.runs ?? 1,
    pauseMs: 5,
    log: { debug() {}, info() {}, warn() {} },
  });
}

const answering =
  (query: NonNullable<Fakes['query']>) =>
  async <Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> => {
    const rows = query(sql, parameters);
    if (rows === undefined) throw new Error(`no answer for ${sql.trim().slice(0, 80)}`);
    return rows as readonly Row[];
  };

/** Samples of a rehearsal as `name{label="value"}` → number, the form in which a scrape has them. */
export const seriesOf = (run: DryRun): Readonly<Record<string, number>> =>
  Object.fromEntries(
    run.samples.flatMap(({ metric, samples }) =>
      samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([label, of]) => `${label}="${of}"`);
        return [pairs.length === 0 ? metric : `${metric}{${pairs.join(',')}}`, value] as const;
      }),
    ),
  );

/** Answers per query (white space folded), each a list of what successive runs get, the last one repeated. */
export type CapturedReplies = Readonly<Record<string, readonly (readonly object[])[]>>;

/** Plays captured replies back; see {@link Fakes.query}. */
export function playBack(replies: CapturedReplies): NonNullable<Fakes['query']> {
  const asked = new Map<string, number>();
  return (sql) => {
    const key = sql.trim().replace(/\s+/g, ' ');
    const turn = asked.get(key) ?? 0;
    asked.set(key, turn + 1);
    const answers = replies[key];
    return answers?.[Math.min(turn, answers.length - 1)];
  };
}
