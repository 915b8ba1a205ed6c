import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { notFound } from '../domain/problem.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
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
  constructor(private readonly portfolios: PortfolioRepository) {}

  @Put(':id')
  async put(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: portfolioSchema }) body: PortfolioBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { portfolio, created } = await this.portfolios.put({ id, ...body });
    reply.status(created ? 201 : 200);
    return portfolioView(portfolio);
  }

  @Get()
  async list(@Query({ schema: pageSchema }) page: Page) {
    const { portfolios, nextCursor } = await this.portfolios.list(page);
    return { items: portfolios.map(portfolioView), next_cursor: nextCursor };
  }

  @Get(':id')
  async get(@Param('id', { schema: portfolioId }) id: string) {
    const portfolio = await this.portfolios.get(id);
    if (!portfolio) throw notFound('portfolio', id);
    return portfolioView(portfolio);
  }

  @Delete(':id')
  @HttpCode(204)
  async delete(@Param('id', { schema: portfolioId }) id: string): Promise<void> {
    if (!(await this.portfolios.delete(id))) throw notFound('portfolio', id);
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
      portfolio: portfolioView(portfolio),
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
}
