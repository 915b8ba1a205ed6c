import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { IngestService } from '../ingest/ingest.service.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { newLimit } from '../risk/limits/limit.dto.js';
import { LimitsService } from '../risk/limits/limits.service.js';
import { BarRepository, type DailyBar } from '../store/bar.repository.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
import { DemoMarket, type MarketPosition } from './demo-market.js';
import { demoPortfolios } from './demo-portfolios.js';
import { demoSymbols, epochDay, type MarketDay, readMarketDays } from './market-data.js';
import { PositionFile } from './position-file.js';

/**
 * The first day that is replayed; the three years before it are return history. Four market days later comes the
 * British vote to leave the European Union.
 */
const firstReplayDate = '2016-06-20';

const savePositionMs = 5_000;
/** Errors of one kind are logged at most this often. */
const logErrorsMs = 30_000;

/**
 * The demo: portfolios over real prices, their real history, and the days after it replayed as a live market through
 * the same ingest as everybody's. Portfolios that exist are left as they are.
 */
@Injectable()
export class DemoService {
  private readonly log: ModuleLogger;
  private market: DemoMarket | undefined;
  private saving: NodeJS.Timeout | undefined;
  private lastErrorMs = 0;

  constructor(
    private readonly config: Config,
    private readonly ingest: IngestService,
    private readonly bars: BarRepository,
    private readonly portfolios: PortfolioRepository,
    private readonly limits: LimitsService,
    private readonly lifecycle: Lifecycle,
    logger: Logger,
  ) {
    this.log = logger.child('demo');
    if (config.get('DEMO') !== 'on') return;
    lifecycle.onStarted('demo', () => this.start());
    lifecycle.onShutdown('stop-intake', 'demo', () => this.stop());
  }

  private async start(): Promise<void> {
    const file = new PositionFile(join(this.config.get('DATA_DIR'), 'demo-position.json'));
    const days = readMarketDays();
    const replayed = days.filter((day) => day.date >= firstReplayDate);
    const position = file.read() ?? (await this.dayAfterKnownBars(replayed));
    const today = position?.date ?? firstReplayDate;
    await this.bars.upsert(days.filter((day) => day.date < today).flatMap(barsOf), 'replay');
    await this.createPortfolios();
    const market = new DemoMarket({
      days: replayed,
      daySeconds: this.config.get('DEMO_DAY_SECONDS'),
      position,
      send: async (ticks) => {
        await this.ingest.ticks(ticks);
      },
      dayCompleted: async (day) => {
        await this.bars.upsert(barsOf(day), 'replay');
      },
      restarted: () =>
        this.log.info({ from: firstReplayDate }, 'the recorded days are over: they begin again'),
      onError: (error) => this.report(error),
    });
    market.start();
    this.market = market;
    this.saving = setInterval(() => this.save(file), savePositionMs);
    this.lifecycle.onShutdown('flush', 'demo position', () => this.save(file));
    this.log.info({ ...market.position, symbols: demoSymbols }, 'replaying recorded days as a live market');
  }

  private async stop(): Promise<void> {
    clearInterval(this.saving);
    await this.market?.stop();
  }

  /** Without the file, the bars that were written tell the day. */
  private async dayAfterKnownBars(replayed: readonly MarketDay[]): Promise<MarketPosition | null> {
    const known = new Map((await this.bars.symbols()).map((s) => [s.symbol, s.lastDay]));
    const last = Math.min(...demoSymbols.map((symbol) => known.get(symbol) ?? Number.NEGATIVE_INFINITY));
    const next = replayed.find((day) => epochDay(day.date) > last);
    return next === undefined ? null : { date: next.date, step: 0 };
  }

  private async createPortfolios(): Promise<void> {
    for (const { limits, ...portfolio } of demoPortfolios) {
      if ((await this.portfolios.get(portfolio.id)) !== null) continue;
      await this.portfolios.put(portfolio);
      for (const limit of limits) {
        const body = newLimit.parse({ ...limit, comment: 'of the demo' });
        await this.limits.create(portfolio.id, body, 'demo');
      }
    }
  }

  private save(file: PositionFile): void {
    try {
      if (this.market !== undefined) file.write(this.market.position);
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    const now = Date.now();
    if (now - this.lastErrorMs < logErrorsMs) return;
    this.lastErrorMs = now;
    this.log.warn({ err: error }, 'the demo market waits');
  }
}

const barsOf = (day: MarketDay): DailyBar[] =>
  Object.entries(day.bars).map(([symbol, { open, high, low, close, adjustedClose }]) => ({
    symbol,
    day: epochDay(day.date),
    open,
    high,
    low,
    close,
    closeAdjusted: adjustedClose,
  }));
