import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Authorizer } from '../access/authorizer.js';
import { bearerToken } from '../access/bearer-token.js';
import { ageReason, dataAgeMs } from '../domain/data-age.js';
import type { Portfolio } from '../domain/portfolio.js';
import { notFound } from '../domain/problem.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
import { AnalyticsService } from './analytics.service.js';
import {
  type Page,
  type PortfolioBody,
  pageSchema,
  portfolioId,
  portfolioSchema,
  portfolioView,
  type TradesBody,
  tradesSchema,
} from './portfolio.dto.js';

/** Portfolios and their trades. A change is announced to the engine when it is durable, in its place among the ticks. */
@Controller('api/v1/portfolios')
export class PortfoliosController {
  constructor(
    private readonly portfolios: PortfolioRepository,
    private readonly analytics: AnalyticsService,
    private readonly authorizer: Authorizer,
  ) {}

  @Put(':id')
  async put(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: portfolioSchema }) body: PortfolioBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { portfolio, created } = await this.portfolios.put({ id, ...body });
    reply.status(created ? 201 : 200);
    return this.view(portfolio);
  }

  @Get()
  async list(@Query({ schema: pageSchema }) page: Page) {
    const { portfolios, nextCursor } = await this.portfolios.list(page);
    return { items: portfolios.map((portfolio) => this.view(portfolio)), next_cursor: nextCursor };
  }

  @Get(':id')
  async get(@Param('id', { schema: portfolioId }) id: string) {
    const portfolio = await this.portfolios.get(id);
    if (!portfolio) throw notFound('portfolio', id);
    return this.view(portfolio);
  }

  @Delete(':id')
  @HttpCode(204)
  async delete(
    @Param('id', { schema: portfolioId }) id: string,
    @Headers('authorization') key?: string,
  ): Promise<void> {
    const actor = this.authorizer.isOpen
      ? 'operator'
      : (this.authorizer.authenticate(bearerToken(key))?.id ?? 'unknown');
    if (!(await this.portfolios.delete(id, actor))) throw notFound('portfolio', id);
  }

  /** Applies each trade once per id. An id that is known with another content is refused by itself. */
  @Post(':id/trades')
  @HttpCode(200)
  async trade(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: tradesSchema }) body: TradesBody,
  ) {
    const trades = body.map(({ ts, ...trade }) => ({ ...trade, tsMs: ts }));
    const { portfolio, applied, duplicates, conflicting } = await this.portfolios.applyTrades(id, trades);
    const conflicts = new Set(conflicting);
    return {
      applied,
      duplicates,
      rejected: body.flatMap(({ id: tradeId }, index) =>
        conflicts.has(tradeId)
          ? [{ index, code: 'TRADE_CONFLICT', message: `Trade ${tradeId} is known with another content.` }]
          : [],
      ),
      portfolio: this.view(portfolio),
    };
  }

  @Get(':id/trades')
  async trades(@Param('id', { schema: portfolioId }) id: string, @Query({ schema: pageSchema }) page: Page) {
    if (!(await this.portfolios.get(id))) throw notFound('portfolio', id);
    const { trades, nextCursor } = await this.portfolios.trades(id, page);
    return {
      items: trades.map(({ tsMs, seq: _, ...trade }) => ({ ...trade, ts: new Date(tsMs).toISOString() })),
      next_cursor: nextCursor,
    };
  }

  /** What is stored, and what it is worth now. */
  private view(portfolio: Portfolio) {
    const nowMs = Date.now();
    const marked = this.analytics.marked(portfolio.id);
    const asOfMs = marked?.asOfMs ?? null;
    return {
      ...portfolioView(portfolio),
      value: marked?.value ?? null,
      reason:
        marked === undefined ? 'not valued yet' : (marked.reason ?? ageReason(asOfMs, nowMs).reason ?? null),
      as_of: asOfMs === null ? null : new Date(asOfMs).toISOString(),
      data_age_ms: asOfMs === null ? null : dataAgeMs(asOfMs, nowMs),
    };
  }
}
