import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Portfolio } from '../domain/portfolio.js';
import type { StoredTick } from '../domain/tick.js';
import { AnalyticsEngine } from './analytics-engine.js';
import { summaryOf } from './summary.js';

const golden = new URL('../../test/golden/analytics/', import.meta.url);
const realTicks = new URL('../../../shared/data/us-equity-ticks-5min.csv', import.meta.url);

/** Digests as they were recorded. A change here is a change of what clients get: it belongs into the changelog. */
const expected = JSON.parse(readFileSync(new URL('digests.json', golden), 'utf8')) as Record<string, string>;

interface ReplayResult {
  readonly ticks: number;
  /** SHA-256 over the summaries of every portfolio after each `every` ticks, as JSON. */
  readonly digest: string;
  readonly engine: AnalyticsEngine;
}

/**
 * Feeds recorded ticks through a new engine and digests everything that it would have answered on the way. The same
 * recording gives the same digest, bit for bit: what a change of the formulas shows up in, and what tells two
 * installations apart.
 */
function replayDigest(
  ticks: Iterable<StoredTick>,
  portfolios: readonly Portfolio[],
  every = 100,
): ReplayResult {
  const engine = new AnalyticsEngine();
  for (const portfolio of portfolios) engine.applyChange({ kind: 'put', portfolio });
  const hash = createHash('sha256');
  let count = 0;
  const answer = (): void => {
    for (const state of engine.allStates())
      hash.update(JSON.stringify(summaryOf(engine, state, {}, state.asOfMs)));
  };
  for (const tick of ticks) {
    engine.applyTick(tick);
    if (++count % every === 0) answer();
  }
  answer();
  return { ticks: count, digest: hash.digest('hex'), engine };
}

function ticksOf(csv: string): StoredTick[] {
  const [, ...lines] = csv.trim().split('\n');
  return lines.map((line, i) => {
    const [tsMs, symbol, price] = line.split(',');
    return {
      seq: i + 1,
      symbol: symbol!,
      tsMs: Number(tsMs),
      price: Number(price),
      size: null,
      sourceId: null,
    };
  });
}

const book = (id: string, currency: string, positions: [string, number][]): Portfolio => ({
  id,
  name: id,
  currency,
  positions: positions.map(([symbol, quantity]) => ({ symbol, quantity })),
  revision: 0,
  updatedAtMs: 0,
});

describe('replay of recorded ticks', () => {
  it('gives the recorded digest for the generated market', () => {
    const ticks = ticksOf(readFileSync(new URL('ticks.csv', golden), 'utf8'));
    const books = [
      book('LONG', 'USD', [
        ['AAA', 10],
        ['BBB', 5],
        ['SAP/EUR', 2],
      ]),
      book('SHORT', 'EUR', [
        ['AAA', -3],
        ['SAP/EUR', 7.5],
      ]),
    ];
    const { digest, engine, ticks: count } = replayDigest(ticks, books);
    expect(count).toBe(3_000);
    expect(engine.counts.late).toBeGreaterThan(0);
    expect(digest).toBe(expected.generated);
    expect(replayDigest(ticks, books).digest).toBe(digest);
    // The digest sees the last bits of one price.
    const bent = ticks.map((t, i) => (i === 2_999 ? { ...t, price: t.price * (1 + 2 ** -50) } : t));
    expect(replayDigest(bent, books).digest).not.toBe(digest);
  });

  const present = existsSync(realTicks);
  it(`gives the recorded digest for real ticks${present ? '' : ' (not checked: the recording is not here)'}`, () => {
    if (!present) {
      process.stderr.write('real ticks are absent (../shared/data): their replay was not checked\n');
      return;
    }
    const ticks = ticksOf(readFileSync(realTicks, 'utf8'));
    const books = [
      book('FOUR', 'USD', [
        ['SPY', 100],
        ['BAC', 500],
        ['AIG', 200],
        ['IBM', 50],
      ]),
      book('PAIR', 'USD', [
        ['SPY', -100],
        ['IBM', 95],
      ]),
    ];
    const { digest, ticks: count } = replayDigest(ticks, books);
    expect(count).toBe(8_523);
    expect(digest).toBe(expected['us-equity-ticks-5min']);
  });
});
