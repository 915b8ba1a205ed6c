import { describe, expect, it } from '@jest/globals';
import { type CollectorState, judge } from './collectors.check.js';

const well: CollectorState = { name: 'pool', enabled: true, state: 'idle', stale: false, error: null };

describe('the collectors of a running server', () => {
  it('are named when they are dead, with the reason; not when they are switched off', () => {
    expect(judge([well, { ...well, name: 'off', enabled: false, state: 'disabled', stale: null }])).toEqual({
      status: 'ok',
      message: '1 run',
    });
    const error = { message: 'connect refused' };
    expect(
      judge([
        { ...well, name: 'a', state: 'given_up', error },
        { ...well, name: 'b', stale: true, error },
        { name: 'c', enabled: false, state: 'broken', error },
      ]),
    ).toMatchObject([
      { status: 'error', message: 'a was given up: connect refused', fix: expect.stringContaining('PATCH') },
      { status: 'error', message: 'b is stale, its series are withdrawn: connect refused' },
      { status: 'error', message: 'c cannot be used: connect refused' },
    ]);
  });
});
