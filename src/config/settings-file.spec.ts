import { describe, expect, it } from '@jest/globals';
import { faultsOf } from './settings-file.js';

describe('a settings file', () => {
  it('may hold settings, comments, blank lines, and values of several lines', () => {
    expect(faultsOf('# a\n\nPORT=1\r\n  export HOST = "x" # y\nLONG="a\nb=\nc"\nEMPTY=\n')).toEqual([]);
  });

  it('has every line named that is none, without its text', () => {
    expect(faultsOf('garbage\nDEMO off\n=5\nPORT=1\nPORT=2\nA="x')).toEqual([
      'line 1 is not NAME=value',
      'line 2 is not NAME=value',
      'line 3 is not NAME=value',
      'line 5 sets PORT again, after line 4',
      'a value that begins with " does not end',
    ]);
  });
});
