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

  it.each(['null', '0', '1e308', '"1e400"', '[{"a":null}]'])('takes %s', (data) => {
    expect(issuesOf(data)).toBeUndefined();
  });
});
