import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { maxTickPage, TickRepository } from '../store/tick.repository.js';

const latestMs = Date.UTC(2200, 0);

/** ISO 8601 with a zone, a date, or Unix milliseconds. */
const moment = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,16}(\.\d{1,3})?$/.test(value) ? Number(value) : value),
  z
    .union([
      z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
      z.iso.date().transform((text) => Date.parse(text)),
      z.number(),
    ])
    .refine((ms) => ms >= 0 && ms <= latestMs, 'must lie between 1970 and 2200'),
);

const ticksQuery = z
  .strictObject({
    symbol: z
      .string()
      .regex(/^[A-Za-z0-9._:/-]{1,32}$/, 'must be 1 to 32 characters of A-Z a-z 0-9 . _ : / -'),
    from: moment.optional(),
    to: moment.optional(),
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(maxTickPage).default(1_000),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['from'],
    message: 'must be before "to"',
  });
type TicksQuery = z.output<typeof ticksQuery>;

/** What was stored, exactly. */
@Controller('api/v1/ticks')
export class TicksController {
  constructor(private readonly ticks: TickRepository) {}

  @Get()
  async page(@Query({ schema: ticksQuery }) { symbol, from, to, cursor, limit }: TicksQuery) {
    const page = await this.ticks.page({
      symbol,
      limit,
      ...(from === undefined ? {} : { fromMs: from }),
      ...(to === undefined ? {} : { toMs: to }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const newest = page.ticks.at(-1)?.tsMs ?? null;
    return {
      items: page.ticks.map(({ seq, tsMs, price, size, sourceId }) => ({
        seq,
        symbol,
        ts: isoMicros(tsMs),
        price,
        size,
        id: sourceId,
      })),
      next_cursor: page.nextCursor,
      as_of: newest === null ? null : isoMicros(newest),
      data_age_ms: newest === null ? null : Math.max(0, Date.now() - newest),
      ...(newest === null ? { reason: 'there are no ticks of this symbol in this span' } : {}),
    };
  }
}

/** ISO 8601 with the microseconds that the fraction of a millisecond carries. */
function isoMicros(ms: number): string {
  const whole = Math.floor(ms);
  const micros = Math.round((ms - whole) * 1000);
  if (micros === 0) return new Date(whole).toISOString();
  if (micros === 1000) return new Date(whole + 1).toISOString();
  return new Date(whole).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
