import { describe, expect, it } from '@jest/globals';
import { validationProblem } from '../../http/schema-validation.pipe.js';
import { readComputeBody } from './read-compute-body.js';

const wrongWith = (json: string): unknown => {
  const read = readComputeBody(new TextEncoder().encode(json));
  // As it arrives from a worker thread.
  return 'issues' in read ? validationProblem(structuredClone(read.issues), 'body').detail : read;
};

describe('readComputeBody', () => {
  it.each([
    ['[1, 2]', 'The body must be an object, not an array'],
    ['{}', '/values is missing: must be an array'],
    ['{"values":[1],"window":1.5}', '/window must be a whole number, not a number'],
    ['{"values":[1,1e999]}', '/values/1 must be a finite number'],
  ])('says in words what is wrong with %s', (json, expected) => {
    expect(wrongWith(json)).toBe(expected);
  });

  it('tells what is not JSON from what is wrong JSON', () => {
    expect(wrongWith('{"values":[NaN]}')).toHaveProperty('malformed');
    expect(wrongWith('{"values":[1],"values":[2]}')).toEqual({ malformed: '/values is given twice' });
  });
});
