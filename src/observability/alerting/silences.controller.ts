import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import type { Silence, SilenceMatchers } from './alert.js';
import { silenceAnswer } from './alert-answer.js';
import { alertId, maintenanceBody, silenceBody, spanOf } from './alerts.schema.js';
import { SilenceBook } from './silence-book.js';

/** Silences and maintenance windows: they always end, and they say who made them and why. */
@Controller('api/v1/alerts')
export class SilencesController {
  constructor(private readonly silences: SilenceBook) {}

  @Get('silences')
  list() {
    return this.listed('silence');
  }

  @Post('silences')
  add(@Body({ schema: silenceBody }) body: z.output<typeof silenceBody>) {
    return this.made('silence', body);
  }

  @Delete('silences/:id')
  end(@Param('id', { schema: alertId }) id: string) {
    return this.ended('silence', id);
  }

  @Get('maintenance')
  listWindows() {
    return this.listed('maintenance');
  }

  @Post('maintenance')
  addWindow(@Body({ schema: maintenanceBody }) body: z.output<typeof maintenanceBody>) {
    return this.made('maintenance', body);
  }

  @Delete('maintenance/:id')
  endWindow(@Param('id', { schema: alertId }) id: string) {
    return this.ended('maintenance', id);
  }

  private listed(kind: Silence['kind']) {
    const nowMs = Date.now();
    const items = this.silences.list(kind).map((silence) => silenceAnswer(silence, nowMs));
    return { as_of: new Date(nowMs).toISOString(), [kind === 'silence' ? 'silences' : 'windows']: items };
  }

  private async made(
    kind: Silence['kind'],
    body: Parameters<typeof spanOf>[0] & { matchers: SilenceMatchers; comment: string; by: string },
  ) {
    const { matchers, comment, by } = body;
    const silence = await this.silences.add({ kind, matchers, comment, by, ...spanOf(body, Date.now()) });
    return silenceAnswer(silence, Date.now());
  }

  private async ended(kind: Silence['kind'], id: string) {
    return silenceAnswer(await this.silences.end(kind, id), Date.now());
  }
}
