import { describe, expect, it } from '@jest/globals';
import { errorMessage } from './error-message.js';

describe('errorMessage', () => {
  it.each([
    ['an error', new Error('no luck'), 'no luck'],
    ['an error of many lines', new Error('a\n    --> b'), 'a --> b'],
    ['an error without a message', new DOMException('', 'DataCloneError'), 'DataCloneError'],
    ['text', 'no luck', 'no luck'],
    ['nothing', undefined, 'undefined'],
    ['an object without a prototype', Object.create(null), 'an error that cannot be read'],
  ])('says in a line what was thrown: %s', (_, thrown, expected) => {
    expect(errorMessage(thrown)).toBe(expected);
  });

  it('survives a message that throws, and cuts one that is too long', () => {
    const hostile = {
      get message(): string {
        throw new Error('inside');
      },
    };
    expect(errorMessage(hostile)).toBe('an error that cannot be read');
    expect(errorMessage(new Error('x'.repeat(1e6)))).toHaveLength(201);
  });
});
