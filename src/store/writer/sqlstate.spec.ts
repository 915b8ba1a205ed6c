import { describe, expect, it } from '@jest/globals';
import { unavailable } from '../../domain/problem.js';
import { classifyFailure, isConnectionLoss } from './sqlstate.js';

const failed = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

describe('classifyFailure', () => {
  it.each([
    ['08006', 'retry'],
    ['57P01', 'retry'],
    ['57P03', 'retry'],
    ['ECONNREFUSED', 'retry'],
    ['40001', 'retry'],
    ['40P01', 'retry'],
    ['53300', 'retry'],
    ['53100', 'retry'],
    ['57014', 'retry'],
    ['22P05', 'data'],
    ['22021', 'data'],
    ['23505', 'data'],
    ['23514', 'data'],
    ['TW409', 'conflict'],
    ['42P01', 'fatal'],
    ['42501', 'fatal'],
  ])('%s → %s', (code, expected) => {
    expect(classifyFailure(failed(code))).toBe(expected);
  });

  it('tells a missing partition from a broken check', () => {
    expect(classifyFailure(failed('23514', 'no partition of relation "ticks" found for row'))).toBe(
      'partition',
    );
  });

  it('knows the errors of pg that have no code', () => {
    expect(isConnectionLoss(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(classifyFailure(new Error('timeout exceeded when trying to connect'))).toBe('retry');
    expect(classifyFailure(new TypeError('x is not a function'))).toBe('fatal');
    expect(classifyFailure(unavailable('DATABASE_UNAVAILABLE', ''))).toBe('retry');
  });
});
