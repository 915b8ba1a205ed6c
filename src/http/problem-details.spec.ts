import { describe, expect, it } from '@jest/globals';
import { NotFoundException } from '@nestjs/common';
import { Problem } from '../domain/problem.js';
import { asProblem, problemDetails } from './problem-details.js';

describe('asProblem', () => {
  it('keeps a Problem, and maps HTTP errors of the framework', () => {
    const own = new Problem(409, 'X', 'x');
    expect(asProblem(own)).toBe(own);
    expect(asProblem(new NotFoundException('no such page'))).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    const tooLarge = Object.assign(new Error('too large'), {
      statusCode: 413,
      code: 'FST_ERR_CTP_BODY_TOO_LARGE',
    });
    expect(asProblem(tooLarge)).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it('knows a defect from an error of the client', () => {
    expect(asProblem(new TypeError('x is undefined'))).toBeUndefined();
    expect(asProblem(Object.assign(new Error('oops'), { statusCode: 500 }))).toBeUndefined();
    expect(asProblem('a string')).toBeUndefined();
  });
});

describe('problemDetails', () => {
  it('has the members of RFC 9457 and ours', () => {
    const errors = [{ pointer: '/a', code: 'TOO_BIG', message: 'too big' }];
    expect(problemDetails(new Problem(422, 'VALIDATION_FAILED', 'd', { errors }), 'abc')).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      detail: 'd',
      code: 'VALIDATION_FAILED',
      errors,
      trace_id: 'abc',
    });
  });
});
