import { setTimeout as sleep } from 'node:timers/promises';
import { type MarkedPortfolio, PortfolioBook } from '../../src/analytics/portfolio-book.js';
import { Config } from '../../src/config/config.js';
import { EventBus } from '../../src/domain/event-bus.js';
import type { Portfolio } from '../../src/domain/portfolio.js';
import { Lifecycle } from '../../src/lifecycle/lifecycle.js';
import { Logger } from '../../src/observability/logger.js';
import { Metrics } from '../../src/observability/metrics.js';
import type { RiskCompute } from '../../src/risk/compute/risk-compute.js';
import { type RiskTask, runRiskTask } from '../../src/risk/compute/risk-task.js';
import { CloseHistory, type Closes } from '../../src/risk/history/close-history.js';
import { HistoryService } from '../../src/risk/history/history.service.js';
import { LimitBook } from '../../src/risk/limits/limit-book.js';
import type { LimitEvaluationService } from '../../src/risk/limits/limit-evaluation.service.js';
import { LiveRiskService } from '../../src/risk/live/live-risk.service.js';
import { WhatIfService } from '../../src/risk/portfolio/what-if.service.js';
import { noise } from './cpu-time.js';

const id = 'BENCH';
const goalMs = 5;
/** Trading days of history: the 500 returns of `RISK_WINDOW_DAYS`. */
const days = 501;

/** One portfolio at random prices, held equally. */
class Book extends PortfolioBook {
  readonly portfolio: Portfolio;
  private readonly prices = new Map<string, { price: number; tsMs: number }>();

  constructor(readonly symbols: readonly string[]) {
    super();
    const positions = symbols.map((symbol) => ({ symbol, quantity: 100 }));
    this.move(1);
    this.portfolio = { id, name: id, currency: 'USD', positions, revision: 1, updatedAtMs: 0 };
  }
  override marked(): MarkedPortfolio {
    return {
      portfolio: this.portfolio,
      value: null,
      reason: null,
      positions: [],
      asOfMs: null,
      version: 1,
    };
  }
  override portfolioIds(): string[] {
    return [id];
  }
  /** Gives a share of the symbols another price. */
  move(share: number): void {
    const tsMs = Date.now();
    for (const symbol of this.symbols) {
      if (this.prices.has(symbol) && Math.random() >= share) continue;
      this.prices.set(symbol, { price: 50 + symbol.length + Math.random(), tsMs });
    }
  }
  override price(symbol: string) {
    return this.prices.get(symbol);
  }
  override fxRate(): number {
    return 1;
  }
  override fxPairs(): [] {
    return [];
  }
}

class History extends CloseHistory {
  override async closes(symbols: readonly string[]): Promise<readonly Closes[]> {
    return symbols.map((symbol) => {
      let price = 100;
      const closes = noise(days, Number(symbol.slice(1)) + 1).map((x) => (price *= 1 + 0.01 * x));
      return { symbol, days: Int32Array.from({ length: days }, (_, t) => 20_000 - days + t), closes };
    });
  }
}

/** Time of a pre-trade check of two orders on a live portfolio; `moved` is the share of prices new since the last one. */
export async function whatIf(rounds: number): Promise<void> {
  console.log('\nOne what-if, wall ms');
  for (const [assets, paths, moved] of [
    [20, 10_000, 1],
    [500, 10_000, 0.1],
    [500, 10_000, 1],
    [20, 100_000, 1],
  ] as const) {
    const lifecycle = new Lifecycle();
    const { check, held, book } = await live(assets, paths, lifecycle);
    const time = async (orders: Parameters<typeof check>[0]): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < 20 * rounds; i++) {
        book.move(moved);
        const { runtime_ms } = await check(orders);
        if (i >= 10) times.push(runtime_ms);
        await sleep(0);
      }
      return times.sort((a, b) => a - b);
    };
    const times = await time([
      { symbol: held[0]!, quantity: 10 },
      { symbol: held[1]!, quantity: -10 },
    ]);
    const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))]!;
    const verdict = at(0.99) < goalMs ? 'met' : 'MISSED';
    console.log(
      `  ${`${assets} positions, ${paths} paths, ${100 * moved} % of prices new`.padEnd(50)} p50 ${at(0.5).toFixed(3)} ` +
        `p99 ${at(0.99).toFixed(3)} max ${at(1).toFixed(3)}   goal ${goalMs} ${verdict}`,
    );
    await lifecycle.shutdown();
  }
}

async function live(assets: number, paths: number, lifecycle: Lifecycle) {
  const held = Array.from({ length: assets }, (_, i) => `S${i}`);
  const book = new Book(held);
  const config = Config.from({ RISK_LIVE_PATHS: String(paths) });
  const metrics = new Metrics();
  const history = new HistoryService(new History(), config);
  const compute = { background: async (task: RiskTask) => runRiskTask(task) } as unknown as RiskCompute;
  const bus = new EventBus((_name, error) => {
    throw error;
  });
  const risk = new LiveRiskService(book, history, bus, compute, config, lifecycle, metrics, Logger.silent());
  const limits = {
    book: new LimitBook(),
    wouldBreach: () => false,
  } as unknown as LimitEvaluationService;
  const service = new WhatIfService(book, risk, history, limits, config, metrics);
  risk.start();
  while (risk.entry(id)?.state.paths == null) await sleep(10);
  return {
    held,
    book,
    check: (orders: { symbol: string; quantity: number }[]) => service.check(id, { orders }),
  };
}
