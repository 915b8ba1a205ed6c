import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceCondition,
  advanceLevel,
  type ConditionSpec,
  type ConditionState,
  checkCondition,
  initialCondition,
  initialLevel,
  isBeyond,
  type LevelSpec,
  type LevelState,
  type Sample,
} from './state-machine.js';

const phases = (spec: ConditionSpec, samples: readonly (readonly [number, number | null])[]) => {
  let state = initialCondition;
  return samples.map(([atMs, value]) => {
    state = advanceCondition(state, spec, { atMs, value });
    return state.phase;
  });
};

const levels = (spec: LevelSpec, samples: readonly (readonly [number, number | null])[]) => {
  let state = initialLevel;
  return samples.map(([atMs, value]) => {
    state = advanceLevel(state, spec, { atMs, value });
    return state.level;
  });
};

describe('one condition', () => {
  const spec: ConditionSpec = { direction: 'above', threshold: 10, clearThreshold: 8, forMs: 20 };

  it('is quiet at the threshold and fires beyond it, once it has held for the dwell', () => {
    expect(
      phases(spec, [
        [0, 10],
        [10, 10.1],
        [20, 11],
        [29, 11],
        [30, 11],
      ]),
    ).toEqual(['inactive', 'pending', 'pending', 'pending', 'firing']);
  });

  it('starts the dwell again when the condition breaks', () => {
    expect(
      phases(spec, [
        [0, 11],
        [15, 9],
        [20, 11],
        [35, 11],
        [40, 11],
      ]),
    ).toEqual(['pending', 'inactive', 'pending', 'pending', 'firing']);
  });

  it('goes on firing between the clear threshold and the threshold', () => {
    expect(
      phases(spec, [
        [0, 11],
        [20, 11],
        [30, 9],
        [40, 8],
        [50, 9],
      ]),
    ).toEqual(['pending', 'firing', 'firing', 'resolved', 'resolved']);
  });

  it('keeps firing until the good state has lasted', () => {
    expect(
      phases({ direction: 'below', threshold: 5, keepFiringMs: 10 }, [
        [0, 4],
        [5, 6],
        [10, 4],
        [15, 6],
        [24, 6],
        [25, 6],
      ]),
    ).toEqual(['firing', 'firing', 'firing', 'firing', 'firing', 'resolved']);
  });

  it('is not resolved by missing data, and missing data is no time in good state', () => {
    expect(
      phases({ ...spec, forMs: 0, keepFiringMs: 10 }, [
        [0, 11],
        [5, 7],
        [10, null],
        [100, null],
        [105, 7],
        [115, 7],
      ]),
    ).toEqual(['firing', 'firing', 'firing', 'firing', 'firing', 'resolved']);
  });

  it('forgets a pending condition when data goes missing or the gap is too long', () => {
    expect(
      phases(spec, [
        [0, 11],
        [10, Number.NaN],
        [20, 11],
      ]),
    ).toEqual(['pending', 'inactive', 'pending']);
    expect(
      phases({ ...spec, maxGapMs: 30 }, [
        [0, 11],
        [31, 11],
        [51, 11],
      ]),
    ).toEqual(['pending', 'pending', 'firing']);
  });

  it('counts the threshold itself as beyond when it is inclusive', () => {
    expect(phases({ direction: 'below', threshold: 5, inclusive: true }, [[0, 5]])).toEqual(['firing']);
    expect(phases({ direction: 'below', threshold: 5 }, [[0, 5]])).toEqual(['inactive']);
  });

  it('does not hold, and resolves, while there is nothing to judge', () => {
    let state = initialCondition;
    const idle = (atMs: number, isIdle: boolean) => {
      state = advanceCondition(
        state,
        { direction: 'below', threshold: 5, keepFiringMs: 5 },
        { atMs, value: 1, idle: isIdle },
      );
      return state.phase;
    };
    expect([idle(0, true), idle(1, false), idle(2, true), idle(7, true)]).toEqual([
      'inactive',
      'firing',
      'firing',
      'resolved',
    ]);
  });

  it('refuses a clear threshold on the bad side', () => {
    expect(() => checkCondition({ direction: 'above', threshold: 1, clearThreshold: 2 })).toThrow(RangeError);
    expect(() => checkCondition({ direction: 'below', threshold: 2, clearThreshold: 1 })).toThrow(RangeError);
    expect(() => checkCondition({ direction: 'above', threshold: Number.NaN })).toThrow(RangeError);
    expect(() => checkCondition({ direction: 'above', threshold: 1, forMs: -1 })).toThrow(RangeError);
    expect(() => checkCondition({ direction: 'below', threshold: 1, clearThreshold: 2 })).not.toThrow();
  });
});

describe('a level', () => {
  const spec: LevelSpec = {
    direction: 'above',
    warning: { threshold: 80, clearThreshold: 75 },
    breach: { threshold: 100, clearThreshold: 95 },
  };

  it('rises and falls with memory', () => {
    expect(
      levels(spec, [
        [0, 70],
        [1, 81],
        [2, 101],
        [3, 96],
        [4, 95],
        [5, 76],
        [6, 75],
      ]),
    ).toEqual(['normal', 'warning', 'breach', 'breach', 'warning', 'warning', 'normal']);
  });

  it('is unknown without data, and remembers the breach it was in', () => {
    expect(
      levels(spec, [
        [0, null],
        [1, 101],
        [2, null],
        [3, 97],
        [4, 94],
      ]),
    ).toEqual(['unknown', 'breach', 'unknown', 'breach', 'warning']);
  });

  it('jumps to breach only after its own dwell', () => {
    expect(
      levels({ ...spec, forMs: 10 }, [
        [0, 90],
        [5, 120],
        [10, 120],
        [15, 120],
      ]),
    ).toEqual(['normal', 'normal', 'warning', 'breach']);
  });

  it('works without a warning threshold', () => {
    expect(
      levels({ direction: 'below', breach: { threshold: 1 } }, [
        [0, 2],
        [1, 0.5],
      ]),
    ).toEqual(['normal', 'breach']);
  });
});

describe('for any series', () => {
  const value = fc.oneof(
    fc.integer({ min: 0, max: 20 }).map((v): number | null => v),
    fc.constantFrom<number | null>(null, Number.NaN, Number.POSITIVE_INFINITY),
  );
  const series = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 10 }), value), { maxLength: 60 })
    .map((steps) => {
      let atMs = 0;
      return steps.map(([step, v]): Sample => {
        atMs += step;
        return { atMs, value: v };
      });
    });
  const condition = fc
    .record({
      direction: fc.constantFrom('above' as const, 'below' as const),
      threshold: fc.integer({ min: 5, max: 15 }),
      slack: fc.integer({ min: 0, max: 4 }),
      inclusive: fc.boolean(),
      forMs: fc.integer({ min: 0, max: 15 }),
      keepFiringMs: fc.integer({ min: 0, max: 15 }),
    })
    .map(
      ({ slack, ...c }): ConditionSpec => ({
        ...c,
        clearThreshold: c.direction === 'above' ? c.threshold - slack : c.threshold + slack,
      }),
    );
  const finite = (s: Sample): s is { value: number; atMs: number } => Number.isFinite(s.value ?? Number.NaN);

  it('fires exactly when the condition has held, with data, for the whole dwell', () => {
    fc.assert(
      fc.property(condition, series, (spec, samples) => {
        let state: ConditionState = initialCondition;
        let heldSince: number | null = null;
        for (const sample of samples) {
          const before = state;
          state = advanceCondition(state, spec, sample);
          const holds =
            finite(sample) && isBeyond(sample.value, spec.threshold, spec.direction, spec.inclusive);
          heldSince = holds ? (heldSince ?? sample.atMs) : null;
          if (before.phase === 'firing') {
            // The dwell of a new episode starts after the old one has resolved.
            if (state.phase !== 'firing') heldSince = null;
            continue;
          }
          const due = heldSince !== null && sample.atMs - heldSince >= (spec.forMs ?? 0);
          expect(state.phase === 'firing').toBe(due);
        }
      }),
    );
  });

  it('resolves only on data at or inside the clear threshold that has lasted', () => {
    fc.assert(
      fc.property(condition, series, (spec, samples) => {
        let state: ConditionState = initialCondition;
        let goodSince: number | null = null;
        for (const sample of samples) {
          const before = state;
          state = advanceCondition(state, spec, sample);
          const good =
            finite(sample) &&
            !isBeyond(sample.value, spec.clearThreshold as number, spec.direction, spec.inclusive);
          goodSince = before.phase === 'firing' && good ? (goodSince ?? sample.atMs) : null;
          if (before.phase !== 'firing') continue;
          const due = goodSince !== null && sample.atMs - goodSince >= (spec.keepFiringMs ?? 0);
          expect(state.phase).toBe(due ? 'resolved' : 'firing');
        }
      }),
    );
  });

  it('never calls a level healthy without data, and never better than its thresholds say without dwell', () => {
    fc.assert(
      fc.property(condition, fc.integer({ min: 0, max: 5 }), series, (c, distance, samples) => {
        const shift = c.direction === 'above' ? distance : -distance;
        const spec: LevelSpec = {
          direction: c.direction,
          inclusive: c.inclusive,
          warning: { threshold: c.threshold, clearThreshold: c.clearThreshold },
          breach: { threshold: c.threshold + shift },
        };
        let state: LevelState = initialLevel;
        for (const sample of samples) {
          state = advanceLevel(state, spec, sample);
          expect(state.level === 'unknown').toBe(!finite(sample));
          if (!finite(sample)) continue;
          if (isBeyond(sample.value, spec.breach.threshold, c.direction, c.inclusive)) {
            expect(state.level).toBe('breach');
          } else if (isBeyond(sample.value, c.threshold, c.direction, c.inclusive)) {
            expect(state.level).toBe('warning');
          }
        }
      }),
    );
  });

  it('depends on nothing but the samples: a state that was saved and restored goes on the same', () => {
    fc.assert(
      fc.property(condition, series, fc.nat(), (spec, samples, cut) => {
        let whole: ConditionState = initialCondition;
        let saved: ConditionState = initialCondition;
        samples.forEach((sample, i) => {
          whole = advanceCondition(whole, spec, sample);
          saved = advanceCondition(saved, spec, sample);
          if (i === cut % Math.max(1, samples.length)) saved = JSON.parse(JSON.stringify(saved));
        });
        expect(saved).toEqual(whole);
      }),
    );
  });
});
