import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { liveRisk, until } from '../../../test/factories/live-risk.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import { initialLevel } from '../../observability/alerting/state-machine.js';
import { advance } from './limit-level.js';

const open: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.shutdown();
});

/** One unit of A at 100: gross exposure 100, a limit of 150 with a warning at 120. */
async function one(change: Parameters<ReturnType<typeof liveRisk>['store']['add']>[0] = {}) {
  const risk = liveRisk();
  open.push(risk.lifecycle);
  risk.closes.walk('A', 100, 1);
  const limit = risk.store.add({
    limitType: 'gross_exposure',
    thresholdValue: 150,
    warningThreshold: 120,
    ...change,
  });
  await risk.limits.load();
  risk.book.tick('A', 100);
  risk.book.put('P', { A: 1 });
  await until(() => risk.live.entry('P')?.figures);
  const level = () => risk.limits.book.get(limit.id)!.state.level;
  return { ...risk, limit, level };
}

describe('LimitEvaluationService', () => {
  it('follows the ticks: each change of status is an event, stored, announced and counted', async () => {
    const { book, store, transitions, metrics, level } = await one();
    await until(() => level() === 'normal');
    book.tick('A', 130);
    await until(() => level() === 'warning');
    book.tick('A', 151);
    await until(() => level() === 'breach');
    book.tick('A', 100);
    await until(() => level() === 'normal');
    expect(transitions.map((t) => [t.from, t.to, t.value])).toEqual([
      ['unknown', 'normal', 100],
      ['normal', 'warning', 130],
      ['warning', 'breach', 151],
      ['breach', 'normal', 100],
    ]);
    await until(() => store.events.length === 4);
    expect(store.events).toEqual(transitions);
    expect(store.readings.at(-1)).toMatchObject({ status: 'normal', currentValue: 100 });
    const counted = metrics.read('tidewatch_risk_limit_transitions_total');
    expect(counted.find((s) => s.labels.to === 'breach')!.value).toBe(1);
  });

  it('with a clear threshold stays in breach until the value is at or below it', async () => {
    const { book, transitions, level } = await one({ clearThreshold: 110 });
    book.tick('A', 160);
    await until(() => level() === 'breach');
    book.tick('A', 111);
    await sleep(60);
    expect(level()).toBe('breach');
    book.tick('A', 80);
    await until(() => level() === 'normal');
    expect(transitions.filter((t) => t.to === 'breach')).toHaveLength(1);
  });

  it('takes a breach only once it has lasted the dwell time, without another tick', async () => {
    const { book, level } = await one({ dwellMs: 800 });
    const began = Date.now();
    book.tick('A', 160);
    await sleep(100);
    expect(level()).not.toBe('breach');
    // Time alone moves it: evaluation looks once a second.
    await until(() => level() === 'breach');
    expect(Date.now() - began).toBeGreaterThanOrEqual(800);
  });

  it('a temporary increase ends by itself: the limit is in breach again, an event and an audit entry say so', async () => {
    const { book, level, limits, limit, store, transitions } = await one();
    book.tick('A', 160);
    await until(() => level() === 'breach');
    const by = { actor: 'operator', action: 'increased', comment: 'month end' };
    const raise = { temporaryThreshold: 300, temporaryUntilMs: Date.now() + 1_000 };
    limits.put((await store.update(limit.id, raise, by))!);
    expect(level()).toBe('normal');
    await until(() => level() === 'breach');
    expect(transitions.at(-1)).toMatchObject({ from: 'normal', to: 'breach', thresholdValue: 150 });
    await until(() => store.audit.length === 2);
    expect(store.audit[1]).toEqual({ actor: 'system', action: 'increase_expired', comment: null });
    expect(limits.book.get(limit.id)!.limit).toMatchObject({ temporaryThreshold: null, version: 3 });
    expect(store.limits.get(limit.id)).toMatchObject({ temporaryUntilMs: null });
  });

  it('judges metrics that clients send once a second, and says what is missing', async () => {
    const { store, limits, transitions } = await one();
    const sent = limits.put(
      store.add({ limitType: 'desk_loss', thresholdValue: 10, warningThreshold: 8, portfolioId: 'P' }),
    );
    await until(() => sent.reason?.includes('no value of desk_loss is stored'));
    expect(sent.state.level).toBe('unknown');
    store.sent.set('P desk_loss', 9);
    await until(() => sent.state.level === 'warning');
    expect(transitions.at(-1)).toMatchObject({ limitType: 'desk_loss', to: 'warning', value: 9 });
  });

  it('keeps the stored status while a process starts, and does not announce it again', async () => {
    const machine = advance(initialLevel, (await one()).limit, 160, Date.now());
    expect(machine.level).toBe('breach');
    const { transitions, level, book } = await one({ status: 'breach', machine, currentValue: 160 });
    book.tick('A', 160);
    await sleep(60);
    expect(level()).toBe('breach');
    expect(transitions.filter((t) => t.to === 'unknown')).toEqual([]);
  });

  it('leaves limits that are not active alone', async () => {
    const { book, transitions, level } = await one({ active: false });
    book.tick('A', 500);
    await sleep(60);
    expect([level(), transitions]).toEqual(['unknown', []]);
  });

  it('says when a limit is judged no more: switched off, deleted, or gone with its portfolio', async () => {
    const { bus, book, store, limits, limit, transitions, level } = await one();
    const ended: string[] = [];
    bus.on('limit.ended', ({ limitId, why }) => ended.push(`${limitId === limit.id} ${why}`));
    const change = async (active: boolean) =>
      limits.put(
        (await store.update(limit.id, { active }, { actor: 'a', action: 'changed', comment: null }))!,
      );
    book.tick('A', 130);
    await until(() => level() === 'warning');
    await change(false);
    expect([level(), ended]).toEqual(['unknown', ['true the limit was switched off']]);
    // What it finds when it is switched on again is news.
    await change(true);
    expect(transitions.slice(-2).map(({ from, to }) => `${from} ${to}`)).toEqual([
      'warning unknown',
      'unknown warning',
    ]);
    limits.remove(limit.id, 'the limit was deleted');
    limits.remove(limit.id, 'the limit was deleted');
    await until(() => limits.book.size === 0);
    expect(ended.slice(1)).toEqual(['true the limit was deleted']);
  });

  it('ends the limits of a portfolio with it', async () => {
    const { bus, book, limits } = await one();
    const ended: string[] = [];
    bus.on('limit.ended', ({ portfolioId, why }) => ended.push(`${portfolioId}: ${why}`));
    book.delete('P');
    await until(() => limits.book.size === 0);
    expect(ended).toEqual(['P: the portfolio was deleted']);
  });
});
