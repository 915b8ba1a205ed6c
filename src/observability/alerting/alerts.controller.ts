import { Body, Controller, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { notFound, Problem } from '../../domain/problem.js';
import { historyAnswer } from './alert-answer.js';
import { ackBody, alertId, backtestBody, listQuery, runbookName, testBody } from './alerts.schema.js';
import { AlertsService } from './alerts.service.js';
import { BacktestService } from './backtest.service.js';
import { RuleReport } from './rule-report.js';
import { readRunbook } from './runbooks.js';

/** How long a test alert fires before it resolves by itself, and how long the answer waits for the receivers. */
const testLastsMs = 10_000;

@Controller('api/v1/alerts')
export class AlertsController {
  constructor(
    private readonly alerts: AlertsService,
    private readonly backtests: BacktestService,
    private readonly report: RuleReport,
  ) {}

  /** Active and past alerts, newest first. */
  @Get()
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const { alerts, incomplete } = await this.alerts.list({
      states: query.state,
      name: query.name,
      severity: query.severity,
      fromMs: query.from,
      toMs: query.to,
      after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      limit: query.limit,
    });
    const last = alerts.at(-1);
    return {
      as_of: new Date().toISOString(),
      data_age_ms: 0,
      alerts: alerts.map((alert) => this.alerts.answer(alert)),
      next_cursor: last && alerts.length === query.limit ? encodeCursor(last.startedAtMs, last.id) : null,
      incomplete,
    };
  }

  /** Every rule, whether it can fire, and why not. */
  @Get('rules')
  rules() {
    return this.report.answer();
  }

  @Get('runbooks/:name')
  @Header('content-type', 'text/markdown; charset=utf-8')
  async runbook(@Param('name', { schema: runbookName }) name: string): Promise<string> {
    const text = await readRunbook(name);
    if (text === null) throw notFound('runbook', name);
    return text;
  }

  /** Fires an alert that means nothing through every notifier, and says what became of it. */
  @Post('test')
  @HttpCode(200)
  async test(@Body({ schema: testBody }) body: z.output<typeof testBody>) {
    const alert = this.alerts.test(body.severity, body.comment, body.by);
    setTimeout(() => this.alerts.endTest(alert.id), testLastsMs).unref();
    await Promise.race([
      this.alerts.center.idle(),
      new Promise((done) => setTimeout(done, testLastsMs).unref()),
    ]);
    const history = await this.alerts.historyOf(alert.id);
    return {
      ...this.alerts.answer(alert),
      notifiers: this.alerts.center.notifiers.map(({ name }) => name),
      notifications: history.filter(({ kind }) => kind.startsWith('notif')).map(historyAnswer),
    };
  }

  /** When would this rule have fired over stored samples? */
  @Post('backtest')
  @HttpCode(200)
  backtest(@Body({ schema: backtestBody }) body: z.output<typeof backtestBody>) {
    return this.backtests.run(body);
  }

  @Get(':id')
  async read(@Param('id', { schema: alertId }) id: string) {
    const alert = await this.alerts.get(id);
    const history = await this.alerts.historyOf(id);
    return { ...this.alerts.answer(alert), history: history.map(historyAnswer) };
  }

  /** What the server knew when it fired. */
  @Get(':id/evidence')
  async evidence(@Param('id', { schema: alertId }) id: string) {
    const pack = await this.alerts.evidenceOf(id);
    return {
      alert_id: pack.alertId,
      captured_at: new Date(pack.capturedAtMs).toISOString(),
      sections: pack.sections,
    };
  }

  @Post(':id/ack')
  @HttpCode(200)
  async acknowledge(
    @Param('id', { schema: alertId }) id: string,
    @Body({ schema: ackBody }) body: z.output<typeof ackBody>,
  ) {
    return this.alerts.answer(await this.alerts.acknowledge(id, body.by, body.comment));
  }
}

const encodeCursor = (startedAtMs: number, id: string): string =>
  Buffer.from(`${startedAtMs}:${id}`).toString('base64url');

function decodeCursor(cursor: string): { startedAtMs: number; id: string } {
  const match = /^(\d{1,15}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
    Buffer.from(cursor, 'base64url').toString(),
  );
  if (!match) {
    throw new Problem(400, 'INVALID_PARAMETER', 'cursor: is not one of ours', {
      errors: [{ pointer: '?cursor', code: 'INVALID_CURSOR', message: 'is not one of ours' }],
    });
  }
  return { startedAtMs: Number(match[1]), id: match[2] as string };
}
