import { describe, expect, it } from '@jest/globals';
import { publishSchema } from './publish.controller.js';

const issuesOf = (data: string) =>
  publishSchema
    .safeParse(JSON.parse(`{"messages":[{"topic":"custom.x","data":${data}}]}`))
    .error?.issues.map(({ path }) => path.join('/'));

describe('what may be published', () => {
  it.each(['1e400', '-1e400'])('refuses %s, which would be sent as null, wherever it is', (number) => {
    expect(issuesOf(number)).toEqual(['messages/0/data']);
    expect(issuesOf(`{"a":[1,{"b":${number}}]}`)).toEqual(['messages/0/data/a/1/b']);
  });

  it('refuses what is nested too deep for those who read it by recursion', () => {
    const nested = (levels: number): string => `${'{"a":['.repeat(levels / 2)}1${']}'.repeat(levels / 2)}`;
    expect(issuesOf(nested(64))).toBeUndefined();
    expect(issuesOf(nested(66))).toEqual(['messages/0/data']);
    expect(issuesOf(nested(20_000))).toEqual(['messages/0/data']);
  });

  it.each(['null', '0', '1e308', '"1e400"', '[{"a":null}]'])('takes %s', (data) => {
    expect(issuesOf(data)).toBeUndefined();
  });
});
