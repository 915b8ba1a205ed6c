import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Logger } from '../observability/logger.js';
import { Health } from './health.js';

describe('Health', () => {
  let lifecycle: Lifecycle;
  let health: Health;

  beforeEach(() => {
    jest.useFakeTimers();
    lifecycle = new Lifecycle();
    lifecycle.ready('starting');
    health = new Health(lifecycle, Logger.silent());
  });
  afterEach(async () => {
    await lifecycle.shutdown();
    jest.useRealTimers();
  });

  it('is not ready before a required dependency has answered once', async () => {
    health.check('database', { required: true, run: async () => {} });
    expect(lifecycle.unreadyReasons).toEqual(['database']);
    expect(health.report()).toMatchObject({ status: 'degraded', checks: { database: { status: 'failed' } } });
    await health.runAll();
    expect(lifecycle.unreadyReasons).toEqual([]);
    expect(health.report()).toMatchObject({
      status: 'ok',
      checks: { database: { status: 'ok', age_ms: 0 } },
    });
  });

  it('waits for a check that is already running', async () => {
    let answer: () => void = () => {};
    health.check('database', {
      required: true,
      run: () => new Promise<void>((resolve) => (answer = resolve)),
    });
    await jest.advanceTimersByTimeAsync(1_000);
    const all = health.runAll();
    answer();
    await all;
    expect(health.report().status).toBe('ok');
  });

  it('asks again when the run under way began before the dependency was there', async () => {
    const answers: ((ok: boolean) => void)[] = [];
    health.check('redis', {
      required: false,
      run: () =>
        new Promise<void>((resolve, reject) =>
          answers.push((ok) => (ok ? resolve() : reject(new Error('not connected yet')))),
        ),
    });
    await jest.advanceTimersByTimeAsync(1_000);
    const all = health.runAll();
    answers[0]?.(false);
    await jest.advanceTimersByTimeAsync(0);
    answers[1]?.(true);
    await all;
    expect(health.report().status).toBe('ok');
  });

  it('loses readiness when a required dependency goes away, and gets it back', async () => {
    let works = true;
    health.check('database', {
      required: true,
      run: async () => {
        if (!works) throw new Error('connection refused');
      },
    });
    await health.runAll();
    works = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(lifecycle.unreadyReasons).toEqual(['database']);
    expect(health.report().checks.database).toMatchObject({ status: 'failed', reason: 'connection refused' });
    works = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(lifecycle.unreadyReasons).toEqual([]);
  });

  it('stays ready without an optional dependency, but says degraded', async () => {
    health.check('redis', { required: false, run: () => Promise.reject(new Error('gone')) });
    await health.runAll();
    expect(lifecycle.unreadyReasons).toEqual([]);
    expect(health.report().status).toBe('degraded');
  });

  it('says degraded with a part that is, and stays ready', () => {
    let status = 'off';
    health.state('broker', () => ({ status }));
    expect(health.report().status).toBe('ok');
    status = 'degraded';
    expect(health.report()).toEqual({ status: 'degraded', checks: { broker: { status } } });
    expect(lifecycle.unreadyReasons).toEqual([]);
  });

  it('ends a check that hangs, and never runs one twice at a time', async () => {
    let running = 0;
    let most = 0;
    health.check('database', {
      required: true,
      run: async (signal) => {
        most = Math.max(most, ++running);
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        );
        running--;
      },
    });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(most).toBe(1);
    expect(health.report().checks.database?.status).toBe('failed');
  });
});
