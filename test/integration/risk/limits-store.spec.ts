import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LimitTransition } from '../../../src/domain/events.js';
import { Logger } from '../../../src/observability/logger.js';
import { TransitionWriter } from '../../../src/risk/limits/transition-writer.js';
import { AuditRepository } from '../../../src/store/audit.repository.js';
import type { Database } from '../../../src/store/database.js';
import { LimitRepository } from '../../../src/store/limit.repository.js';
import { RiskEventRepository } from '../../../src/store/risk-event.repository.js';
import { RiskEventWriter } from '../../../src/store/risk-event.writer.js';
import { RiskMetricRepository } from '../../../src/store/risk-metric.repository.js';
import { WriterMeter } from '../../../src/store/writer/writer-meter.js';
import { openStore, storeBranches, type TestStore } from '../../harness/store.js';

const settings = {
  limitType: 'var',
  thresholdValue: 100,
  warningThreshold: 80,
  clearThreshold: 90,
  dwellMs: 500,
  active: true,
};
const startMs = Date.now();
const by = (action: string, comment: string | null = null) => ({ actor: 'operator', action, comment });

describe.each(storeBranches())('limits on $dialect', (branch) => {
  let store: TestStore;
  let database: Database;
  let limits: LimitRepository;
  let audit: AuditRepository;
  let events: RiskEventRepository;
  let eventWriter: RiskEventWriter;
  beforeAll(async () => {
    store = await openStore(await branch.freshDatabase());
    database = store.database;
    audit = new AuditRepository(database);
    limits = new LimitRepository(database, audit);
    events = new RiskEventRepository(database);
    const log = Logger.silent().child('test');
    eventWriter = new RiskEventWriter(
      {
        pool: database.writer,
        seq: store.seq,
        meter: new WriterMeter(store.metrics, 'risk_events', log),
        onDefect: (error) => log.error(error),
      },
      store.partitions,
    );
  }, 60_000);
  afterAll(async () => {
    await eventWriter.stop();
    await store.close();
  });

  it('are created, changed, deleted softly, and every change is in the audit', async () => {
    const limit = await limits.create('P1', settings, by('created', 'first'));
    expect(limit).toMatchObject({
      ...settings,
      portfolioId: 'P1',
      status: 'unknown',
      machine: null,
      version: 1,
    });
    const changed = await limits.update(limit.id, { thresholdValue: 120 }, by('changed'));
    expect(changed).toMatchObject({ thresholdValue: 120, warningThreshold: 80, version: 2 });
    const until = Date.now() + 60_000;
    await limits.update(
      limit.id,
      { temporaryThreshold: 200, temporaryUntilMs: until },
      by('increased', 'month end'),
    );
    expect((await limits.all()).find((l) => l.id === limit.id)).toMatchObject({ temporaryUntilMs: until });
    const expire = (still: boolean) =>
      limits.update(
        limit.id,
        { temporaryThreshold: null, temporaryUntilMs: null },
        { ...by('increase_expired'), actor: 'system' },
        () => still,
      );
    expect(await expire(false)).toBeNull();
    expect(await expire(true)).toMatchObject({ temporaryThreshold: null, version: 4 });
    expect(await limits.softDelete(limit.id, by('deleted'))).toBe(true);
    expect(await limits.softDelete(limit.id, by('deleted'))).toBe(false);
    expect(await limits.update(limit.id, { active: true }, by('changed'))).toBeNull();
    expect(await limits.all()).toEqual([]);
    const { rows } = await database.reader.query('SELECT deleted_at FROM risk_limits WHERE id = $1', [
      limit.id,
    ]);
    expect(rows[0]?.deleted_at).not.toBeNull();
    const trail = await audit.of('risk_limit', limit.id);
    expect(trail.map((e) => [e.action, e.comment])).toEqual([
      ['deleted', null],
      ['increase_expired', null],
      ['increased', 'month end'],
      ['changed', null],
      ['created', 'first'],
    ]);
    expect(trail[1]).toMatchObject({ actor: 'system', before: { temporary_threshold: 200 } });
    expect(trail[3]).toMatchObject({ before: { threshold_value: 100 }, after: { threshold_value: 120 } });
    expect(trail[0]!.after).toBeNull();
  });

  it('transitions and the state they led to are stored together, and paged newest first', async () => {
    const limit = await limits.create('P2', settings, by('created'));
    const writer = new TransitionWriter(limits, eventWriter, () => undefined, Logger.silent().child('test'));
    const transition = (i: number): LimitTransition => ({
      portfolioId: 'P2',
      limitId: limit.id,
      limitType: 'var',
      from: i % 2 ? 'normal' : 'breach',
      to: i % 2 ? 'breach' : 'normal',
      value: i,
      thresholdValue: 100,
      warningThreshold: 80,
      atMs: startMs + i,
    });
    for (let i = 0; i < 5; i++) {
      const machine = { level: 'breach', i };
      writer.add(
        { id: limit.id, currentValue: i, status: 'breach', statusSinceMs: 1_000, machine },
        transition(i),
      );
    }
    await writer.stop();
    const first = await events.page('P2', { limit: 3 });
    expect(first.events.map((e) => e.value)).toEqual([4, 3, 2]);
    expect(first.events[0]).toEqual(transition(4));
    const second = await events.page('P2', { limit: 3, cursor: first.nextCursor! });
    expect([second.events.map((e) => e.value), second.nextCursor]).toEqual([[1, 0], null]);
    const stored = (await limits.all()).find((l) => l.id === limit.id);
    expect(stored).toMatchObject({
      currentValue: 4,
      status: 'breach',
      statusSinceMs: 1_000,
      machine: { i: 4 },
    });
    await expect(events.page('P2', { limit: 3, cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'INVALID_CURSOR',
    });
  });

  it('a transition waits while the database is away, and is written once it is back', async () => {
    const limit = await limits.create('P3', settings, by('created'));
    let away = true;
    const flaky = {
      append: (...args: Parameters<RiskEventWriter['append']>) =>
        away ? Promise.reject(new Error('away')) : eventWriter.append(...args),
    };
    const writer = new TransitionWriter(limits, flaky, () => undefined, Logger.silent().child('test'));
    writer.add(
      { id: limit.id, currentValue: 7, status: 'breach', statusSinceMs: 5, machine: null },
      {
        portfolioId: 'P3',
        limitId: limit.id,
        limitType: 'var',
        from: 'normal',
        to: 'breach',
        value: 7,
        thresholdValue: 1,
        warningThreshold: 1,
        atMs: startMs,
      },
    );
    await writer.flush();
    expect((await events.page('P3', { limit: 5 })).events).toEqual([]);
    away = false;
    await writer.stop();
    expect((await events.page('P3', { limit: 5 })).events).toHaveLength(1);
  });

  it('the newest metric is found whichever kind it is', async () => {
    await database.writer.query(
      `INSERT INTO latest_metrics (kind, portfolio_id, metric_type, "timestamp", value) VALUES
        ('risk', 'P4', 'x', to_timestamp(10), 1), ('analytics', 'P4', 'x', to_timestamp(20), 2),
        ('analytics', 'P4', 'y', to_timestamp(5), 3)`,
    );
    const metrics = new RiskMetricRepository(database);
    const pairs = ['x', 'y', 'z'].map((metricType) => ({ portfolioId: 'P4', metricType }));
    expect((await metrics.latestOf(pairs)).map((m) => [m.metricType, m.value, m.kind])).toEqual([
      ['x', 2, 'analytics'],
      ['y', 3, 'analytics'],
    ]);
  });
});
