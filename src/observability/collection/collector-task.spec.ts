import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { gauge, histogram } from '../metric-spec.js';
import { Metrics } from '../metrics.js';
import { type Collector, type CollectorContext, type CollectorManifest, NoData } from './collector.js';
import { CollectorTask } from './collector-task.js';
import { RunScheduler } from './run-scheduler.js';
import { Sources } from './sources.js';

const value = gauge('tidewatch_fake_value', 'A value.', { of: 'bounded' }, { maxSeries: 3 });
const other = gauge('tidewatch_fake_other', 'Another.');
const between = histogram('tidewatch_fake_between_seconds', 'Live.', [1]);

class ManualScheduler extends RunScheduler {
  readonly planned = new Map<string, { delayMs: number; run: () => void }>();
  at(name: string, delayMs: number, run: () => void): void {
    this.planned.set(name, { delayMs, run });
  }
  cancel(name: string): void {
    this.planned.delete(name);
  }
}

function harness(
  create: (context: CollectorContext) => Collector,
  manifest: Partial<CollectorManifest> = {},
  config: unknown = {},
) {
  const clock = { nowMs: 1_000_000 };
  const metrics = new Metrics();
  const scheduler = new ManualScheduler();
  const lines: object[] = [];
  const log = { debug: () => {}, info: () => {}, warn: (fields: object) => lines.push(fields) };
  const task = new CollectorTask(
    {
      manifest: {
        name: 'fake',
        description: 'Fake.',
        config: z.strictObject({ limit: z.number().default(1) }),
        metrics: [value, other, between],
        intervalMs: 1_000,
        timeoutMs: 30,
        budget: { dbMs: 10, redisCommands: 10, eventLoopMs: 1_000, samples: 10 },
        ...manifest,
      },
      create,
    },
    'folder',
    { pool: null, redis: null, sources: new Sources(), windows: metrics.windows, nowMs: () => clock.nowMs },
    metrics,
    scheduler,
    log,
    { enabled: true, intervalMs: 1_000, config },
    () => 0.5,
  );
  task.enable();
  const read = (name: string) => {
    task.expire();
    return metrics.read(name).map(({ labels, value: v }) => [labels.of ?? labels.class ?? labels.outcome, v]);
  };
  const one = (name: string) => metrics.read(name)[0]?.value;
  return { task, metrics, scheduler, clock, lines, read, one };
}

describe('a collector under the runner', () => {
  it('becomes visible as a whole when its run has ended well', async () => {
    let seenDuringRun: unknown;
    const { task, read, one } = harness(({ metrics }) => ({
      async collect() {
        metrics.set(value, 1, { of: 'a' });
        await null;
        seenDuringRun = read('tidewatch_fake_value');
        metrics.set(value, 2, { of: 'b' });
      },
    }));
    await task.runOnce();
    expect(seenDuringRun).toEqual([]);
    expect(read('tidewatch_fake_value')).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(one('tidewatch_collector_success')).toBe(1);
    expect(task.lastCost.samples).toBe(2);
  });

  it('loses series that a later run no longer reports', async () => {
    let run = 0;
    const { task, read } = harness(({ metrics }) => ({
      async collect() {
        metrics.set(value, 1, { of: run++ === 0 ? 'dropped' : 'kept' });
      },
    }));
    await task.runOnce();
    await task.runOnce();
    expect(read('tidewatch_fake_value')).toEqual([['kept', 1]]);
  });

  it('keeps its last values after a failure until they are stale, then shows none: never green', async () => {
    let fail = false;
    const { task, read, one, clock, lines } = harness(({ metrics }) => ({
      async collect() {
        if (fail) throw new Error('no route to postgres://user:secret@db/x');
        metrics.set(value, 7, { of: 'a' });
      },
    }));
    await task.runOnce();
    fail = true;
    clock.nowMs += 1_000;
    await task.runOnce();
    expect(read('tidewatch_fake_value')).toEqual([['a', 7]]);
    expect(one('tidewatch_collector_success')).toBe(0);
    expect(task.lastError).toMatchObject({ class: 'other', message: 'no route to postgres://user:***@db/x' });
    expect(task.stale).toBe(false);
    clock.nowMs += 2_100;
    await task.runOnce();
    expect(task.stale).toBe(true);
    expect(read('tidewatch_fake_value')).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  it('is aborted at its timeout, reports nothing afterwards and does not overlap itself', async () => {
    let release = () => {};
    let starts = 0;
    let aborted = false;
    const { task, read, metrics } = harness(({ metrics: m }) => ({
      collect(signal) {
        starts++;
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<void>((resolve) => {
          release = () => {
            m.set(value, 1, { of: 'late' });
            resolve();
          };
        });
      },
    }));
    const first = task.runOnce();
    const second = task.runOnce();
    await new Promise((resolve) => setTimeout(resolve, 45));
    expect([aborted, task.state, task.lastOutcome]).toEqual([true, 'stuck', 'timeout']);
    release();
    await Promise.all([first, second]);
    expect(starts).toBe(1);
    expect(task.state).toBe('idle');
    expect(read('tidewatch_fake_value')).toEqual([]);
    expect(metrics.read('tidewatch_collector_skipped_runs_total')[0]?.value).toBe(1);
    expect(read('tidewatch_collector_errors_total')).toContainEqual(['timeout', 1]);
  });

  it('leaves an instance behind that ignores its abort, starts a new one, and gives up after three', async () => {
    let created = 0;
    const { task, one, scheduler } = harness(
      () => {
        created++;
        return { collect: () => new Promise<void>(() => {}) };
      },
      { timeoutMs: 5 },
    );
    for (let i = 0; i < 3; i++) await task.runOnce();
    expect(created).toBe(3);
    expect(one('tidewatch_collector_abandoned_runs_total')).toBe(3);
    expect(task.state).toBe('given_up');
    expect(scheduler.planned.size).toBe(0);
    await task.disable();
    task.enable();
    expect(task.state).toBe('idle');
  });

  it('gives up after three runs in a row from which errors escape, and begins anew with each success', async () => {
    let stray = true;
    const { task, one, scheduler, lines } = harness(({ metrics }) => ({
      async collect() {
        if (!stray) return metrics.set(value, 1, { of: 'a' });
        // The process's last-resort handler does this, for every error of one run.
        for (let i = 0; i < 5; i++) task.blame(new Error(`stray ${i}`));
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    }));
    await task.runOnce();
    await task.runOnce();
    expect(task.lastOutcome).toBe('error');
    expect(task.lastError?.part).toBe('escaped');
    expect(one('tidewatch_collector_abandoned_runs_total')).toBe(2);
    stray = false;
    await task.runOnce();
    stray = true;
    await task.runOnce();
    await task.runOnce();
    expect(task.state).toBe('idle');
    await task.runOnce();
    expect([task.state, task.nextRunAtMs, scheduler.planned.size]).toEqual(['given_up', null, 0]);
    expect(lines.length).toBeGreaterThan(0);
    expect(one('tidewatch_collector_abandoned_runs_total')).toBe(5);
    // What `PATCH {"enabled": true}` does: it was never switched off.
    task.enable();
    expect([task.state, scheduler.planned.size]).toEqual(['idle', 1]);
  });

  it('is never green, and is given up, when errors escape after runs that end well', async () => {
    const { task, one, clock, read } = harness(({ metrics }) => ({
      async collect() {
        metrics.set(value, 1, { of: 'a' });
      },
    }));
    for (let i = 1; i <= 3; i++) {
      await task.runOnce();
      expect(one('tidewatch_collector_success')).toBe(1);
      task.blame(new Error('stray'));
      expect(one('tidewatch_collector_success')).toBe(0);
      expect([task.lastOutcome, task.failures, task.state]).toEqual([
        'error',
        i,
        i < 3 ? 'idle' : 'given_up',
      ]);
    }
    clock.nowMs += 3_100;
    expect([task.stale, read('tidewatch_fake_value')]).toEqual([true, []]);
  });

  it('is tried more and more rarely while it fails, and goes stale by its own interval all the same', async () => {
    let fail = false;
    const { task, scheduler, clock, one } = harness(() => ({
      async collect() {
        if (fail) throw new Error('always');
      },
    }));
    const nextRun = () => {
      task.setInterval(1_000);
      return scheduler.planned.get('collector:fake')?.delayMs;
    };
    await task.runOnce();
    fail = true;
    const delays: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      await task.runOnce();
      delays.push(nextRun());
    }
    expect(delays).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    expect([task.state, task.failures]).toEqual(['idle', 7]);
    expect(one('tidewatch_collector_success')).toBe(0);
    expect(one('tidewatch_collector_interval_seconds')).toBe(1);
    clock.nowMs += 3_100;
    expect(task.stale).toBe(true);
    fail = false;
    await task.runOnce();
    expect([nextRun(), task.failures, task.stale]).toEqual([1_000, 0, false]);
  });

  it('tells nothing-to-measure from failure', async () => {
    const { task, one } = harness(() => ({
      async collect() {
        throw new NoData('no Redis is configured');
      },
    }));
    await task.runOnce();
    expect(task.lastOutcome).toBe('no_data');
    expect([one('tidewatch_collector_success'), one('tidewatch_collector_no_data')]).toEqual([1, 1]);
    expect(task.lastError).toBeNull();
  });

  it('reports a failed part under its name while the other parts go on', async () => {
    let broken = false;
    const { task, read } = harness(({ metrics, attempt }) => ({
      async collect() {
        await attempt('locks', () => {
          if (broken) throw Object.assign(new Error('permission denied for view x'), { code: '42501' });
          metrics.set(value, 1, { of: 'locks' });
        });
        metrics.set(other, 5);
      },
    }));
    await task.runOnce();
    broken = true;
    await task.runOnce();
    expect(task.lastOutcome).toBe('partial');
    expect(task.lastError).toMatchObject({ class: 'permission', part: 'locks' });
    expect(read('tidewatch_fake_value')).toEqual([['locks', 1]]);
    expect(read('tidewatch_fake_other')).toEqual([[undefined, 5]]);
  });

  it('folds exploding labels into overflow and counts them', async () => {
    const { task, read } = harness(({ metrics }) => ({
      async collect() {
        for (let i = 0; i < 50; i++) metrics.set(value, i, { of: `v${i}` });
      },
    }));
    await task.runOnce();
    expect(read('tidewatch_fake_value')).toEqual([
      ['v0', 0],
      ['v1', 1],
      ['v2', 2],
      ['overflow', 49],
    ]);
    expect(task.staged.folded()[0]).toEqual(['tidewatch_fake_value', 47]);
  });

  it('fails a run that reports what the manifest does not declare', async () => {
    const foreign = gauge('tidewatch_foreign', 'Foreign.');
    const { task } = harness(({ metrics }) => ({
      async collect() {
        metrics.set(foreign, 1);
      },
    }));
    await task.runOnce();
    expect(task.lastError?.class).toBe('schema');
  });

  it('names what is wrong in its configuration and tries again with the next run', async () => {
    const { task } = harness(() => ({ collect: async () => {} }), {}, { limit: 'many', more: 1 });
    await task.runOnce();
    expect(task.lastError).toMatchObject({
      class: 'schema',
      message: 'configuration: limit: must be a number (found "many"); more is not a known field',
    });
  });

  it('backs off when runs cost more than their budget, and comes back when they do not', async () => {
    let count = 20;
    const { task, one } = harness(({ metrics }) => ({
      async collect() {
        for (let i = 0; i < count; i++) metrics.set(value, i, { of: `v${i}` });
      },
    }));
    await task.runOnce();
    expect(task.pacing.backoff).toBe(1);
    await task.runOnce();
    expect(task.pacing.backoff).toBe(2);
    expect(one('tidewatch_collector_interval_seconds')).toBe(2);
    count = 1;
    for (let i = 0; i < 3; i++) await task.runOnce();
    expect(task.pacing.backoff).toBe(1);
    expect(one('tidewatch_collector_interval_seconds')).toBe(1);
  });

  it('is charged for the event-loop time of its own code, before and after an await', async () => {
    const spin = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const { task } = harness(
      ({ fetch }) => ({
        async collect() {
          spin(3);
          await fetch('data:text/plain,hello');
          spin(3);
        },
      }),
      { timeoutMs: 500 },
    );
    await task.runOnce();
    expect(task.lastOutcome).toBe('success');
    expect(task.lastCost.eventLoopMs).toBeGreaterThan(5.5);
  });

  it('changes interval and enablement at run time; off, it says nothing about itself', async () => {
    let stopped = 0;
    const { task, scheduler, one, read, metrics } = harness(({ metrics: m }) => ({
      async collect() {
        m.set(value, 1, { of: 'a' });
      },
      stop() {
        stopped++;
      },
    }));
    await task.runOnce();
    task.setInterval(5_000);
    expect(scheduler.planned.get('collector:fake')?.delayMs).toBe(5_000);
    await task.disable();
    expect(scheduler.planned.size).toBe(0);
    expect(stopped).toBe(1);
    expect(read('tidewatch_fake_value')).toEqual([]);
    expect(one('tidewatch_collector_enabled')).toBe(0);
    expect(metrics.read('tidewatch_collector_success')).toEqual([]);
    expect(task.ageMs).toBeNull();
  });

  it('looks closer while a related alert burns', async () => {
    const { task, clock, scheduler, one } = harness(() => ({ collect: async () => {} }), {
      burst: { alerts: ['Fake*'], intervalMs: 200 },
    });
    task.burst(clock.nowMs + 10_000);
    expect(scheduler.planned.get('collector:fake')?.delayMs).toBe(0);
    expect(one('tidewatch_collector_interval_seconds')).toBe(0.2);
    clock.nowMs += 11_000;
    task.endBurst();
    expect(one('tidewatch_collector_interval_seconds')).toBe(1);
  });

  it('keeps live series, which show what happened and not what is', async () => {
    const { task, one, clock } = harness(({ metrics }) => {
      const live = metrics.histogram(between);
      return {
        async collect() {
          live.observe(0.5);
        },
      };
    });
    await task.runOnce();
    clock.nowMs += 100_000;
    task.expire();
    expect(one('tidewatch_fake_between_seconds_count')).toBe(1);
  });
});
