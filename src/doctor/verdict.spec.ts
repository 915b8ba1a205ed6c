import { describe, expect, it } from '@jest/globals';
import type { Diagnosis } from './doctor.js';
import { verdictOf, verdictOfAlert } from './verdict.js';

const finding = (check: string, status: Diagnosis['status']): Diagnosis => ({
  check,
  status,
  message: `${check} says`,
});
const well = ['metric', 'samples', 'rule', 'route', 'runbook'].map((check) => finding(check, 'ok'));

describe('the last line of the doctor', () => {
  it('counts the warnings, and says that nothing is wrong only without any', () => {
    expect(verdictOf(well, false)).toEqual({ status: 'ok', text: 'Nothing is wrong.' });
    const warned = [...well, finding('a', 'warning'), finding('b', 'unknown')];
    expect(verdictOf(warned, false)).toEqual({ status: 'ok', text: 'no errors, 1 warning, 1 not known.' });
    expect(verdictOf(warned, true).status).toBe('error');
    expect(verdictOf([finding('a', 'error')], false)).toEqual({
      status: 'error',
      text: '1 error, no warnings.',
    });
  });

  it('is plain of one alert: can, cannot, is not heard, is not known', () => {
    const of = (...more: Diagnosis[]) => verdictOfAlert('X', [...well, ...more]);
    expect(of()).toEqual({ status: 'ok', text: 'X can fire.' });
    expect(of(finding('samples', 'warning'))).toMatchObject({ text: 'X cannot fire now: samples says.' });
    expect(of(finding('route', 'warning')).text).toBe('X can fire, but nobody hears of it: route says.');
    expect(of(finding('rule', 'unknown'))).toEqual({
      status: 'unknown',
      text: 'Whether X can fire is not known: rule says.',
    });
    // A source that does not answer is never the reason for a plain no.
    expect(verdictOfAlert('X', [finding('source', 'error'), ...well]).status).toBe('unknown');
  });
});
