import { Readable } from 'node:stream';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Authorizer } from '../access/authorizer.js';
import { bearerToken } from '../access/bearer-token.js';
import { maySee } from '../access/principal.js';
import { ageReason, dataAgeMs } from '../domain/data-age.js';
import { notFound, Problem } from '../domain/problem.js';
import { type HistoryPage, HistoryRepository, type HistorySeries } from '../store/history.repository.js';
import { PortfolioRepository } from '../store/portfolio.repository.js';
import {
  type HistoryBody,
  type HistoryParameters,
  historyBody,
  historyQuery,
  portfolioId,
} from './history.dto.js';

const noValues = 'there are no values in this span';
const noneOnPage = 'there are no values on this page; next_cursor leads to the rest of the span';

/** Unknown ids that one answer names. */
const maxListedUnknown = 100;

/** Metrics over time. The buckets arrive from the database as JSON text and leave as it, piece by piece. */
@Controller('api/v1/analytics')
export class HistoryController {
  constructor(
    private readonly stored: HistoryRepository,
    private readonly portfolios: PortfolioRepository,
    private readonly authorizer: Authorizer,
  ) {}

  @Get('portfolio/:id/history')
  async one(
    @Param('id', { schema: portfolioId }) id: string,
    @Query({ schema: historyQuery }) { metric, ...query }: HistoryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const page = await this.stored.page({
      ...optional(query),
      portfolioIds: [id],
      metricTypes: [metric],
    });
    const [series] = page.series;
    if (series === undefined && !(await this.portfolios.get(id))) throw notFound('portfolio', id);
    const head = { portfolio_id: id, metric, ...spanOf(page), gaps: query.gaps };
    send(reply, head, age(series?.asOfMs ?? null, page), page.nextCursor, function* () {
      yield `"buckets":${series?.bucketsJson ?? '[]'}`;
    });
  }

  @Post('history')
  @HttpCode(200)
  async many(
    @Body({ schema: historyBody }) body: HistoryBody,
    @Res() reply: FastifyReply,
    @Headers('authorization') key?: string,
  ): Promise<void> {
    this.requireVisible(body.portfolio_ids, key);
    const page = await this.stored
      .page({
        ...optional({ ...body, resolution: body.bucket }),
        portfolioIds: [...new Set(body.portfolio_ids)],
        ...(body.metric_types ? { metricTypes: body.metric_types } : {}),
      })
      .catch(cursorOfBody);
    await this.requireExisting(body.portfolio_ids, page.withoutData);
    const newest = page.series.reduce<number | null>(
      (max, { asOfMs }) => (asOfMs === null ? max : Math.max(max ?? 0, asOfMs)),
      null,
    );
    const head = { ...spanOf(page), gaps: body.gaps, without_data: page.withoutData };
    send(reply, head, age(newest, page), page.nextCursor, function* () {
      yield '"series":[';
      for (let i = 0; i < page.series.length; i++) {
        yield `${i > 0 ? ',' : ''}${seriesJson(page.series[i] as HistorySeries, page)}`;
      }
      yield ']';
    });
  }

  /** These portfolios are in the body, which the guard of the routes does not see. */
  private requireVisible(asked: readonly string[], key: string | undefined): void {
    const principal = this.authorizer.authenticate(bearerToken(key));
    const hidden = asked.findIndex((id) => principal === undefined || !maySee(principal, id));
    if (hidden < 0) return;
    const message = `The key "${principal?.id}" may not see this portfolio.`;
    throw new Problem(403, 'PORTFOLIO_NOT_ALLOWED', message, {
      errors: [{ pointer: `/portfolio_ids/${hidden}`, code: 'PORTFOLIO_NOT_ALLOWED', message }],
    });
  }

  /** A deleted portfolio keeps its history; one that has none and does not exist is a mistake of the caller. */
  private async requireExisting(asked: readonly string[], withoutData: readonly string[]): Promise<void> {
    if (withoutData.length === 0) return;
    const existing = await this.portfolios.existing(withoutData);
    const unknown = withoutData.filter((id) => !existing.has(id));
    if (unknown.length === 0) return;
    const [first = ''] = unknown;
    const errors = unknown.slice(0, maxListedUnknown).map((id) => ({
      pointer: `/portfolio_ids/${asked.indexOf(id)}`,
      code: 'NOT_FOUND',
      message: `No portfolio has the id "${id}".`,
    }));
    const others = unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : '';
    throw new Problem(404, 'NOT_FOUND', `No portfolio has the id "${first}"${others}.`, { errors });
  }
}

interface Common {
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolution: HistoryParameters['resolution'];
  readonly gaps: HistoryParameters['gaps'];
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/** The store points at a cursor in the query; this one came in the body. */
function cursorOfBody(error: unknown): never {
  if (!(error instanceof Problem && error.code === 'INVALID_CURSOR')) throw error;
  const errors = error.extra.errors?.map((each) => ({ ...each, pointer: '/cursor' })) ?? [];
  throw new Problem(error.status, error.code, error.detail, { errors });
}

/** What the repository takes: what was not given is left out. */
const optional = ({ fromMs, toMs, resolution, gaps, cursor, limit }: Common) => ({
  fromMs,
  toMs,
  resolution,
  gaps,
  ...(cursor === undefined ? {} : { cursor }),
  ...(limit === undefined ? {} : { limit }),
});

const iso = (ms: number): string => new Date(ms).toISOString();

const spanOf = (page: HistoryPage) => ({
  from: iso(page.fromMs),
  to: iso(page.toMs),
  resolution_used: page.resolutionUsed,
});

const age = (asOfMs: number | null, { nextCursor }: HistoryPage) =>
  asOfMs === null
    ? { as_of: null, data_age_ms: null, reason: nextCursor === null ? noValues : noneOnPage }
    : {
        as_of: iso(asOfMs),
        data_age_ms: dataAgeMs(asOfMs, Date.now()),
        ...ageReason(asOfMs, Date.now()),
      };

const seriesJson = (
  { portfolioId: id, metricType, asOfMs, bucketsJson }: HistorySeries,
  page: HistoryPage,
): string => {
  const head = { portfolio_id: id, metric_type: metricType, ...age(asOfMs, page) };
  return `${JSON.stringify(head).slice(0, -1)},"buckets":${bucketsJson}}`;
};

/** `{…head, …age, next_cursor, <body>}` */
function send(
  reply: FastifyReply,
  head: object,
  ageOf: object,
  nextCursor: string | null,
  body: () => Generator<string>,
): void {
  const start = JSON.stringify({ ...head, ...ageOf, next_cursor: nextCursor }).slice(0, -1);
  void reply.header('content-type', 'application/json; charset=utf-8').send(
    Readable.from(
      (function* () {
        yield `${start},`;
        yield* body();
        yield '}';
      })(),
    ),
  );
}
