import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readDocument } from './read-document.js';

const schema = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, 'must be in lower case'),
  every: z.number().min(0.5).max(60).default(1),
  count: z.int().positive().optional(),
  mode: z.enum(['on', 'off']).default('on'),
  url: z.url({ protocol: /^https?$/ }).optional(),
  token: z.string().min(16).optional(),
  labels: z
    .record(
      z.string().regex(/^[a-z]+$/, 'must be in lower case'),
      z.union([z.literal('bounded'), z.array(z.string()).min(1)]),
    )
    .default({}),
  is_on: z.boolean().optional(),
  steps: z.array(z.strictObject({ at: z.number() })).optional(),
});

const fault = (text: string): string => {
  try {
    readDocument(schema, text, 'YAML');
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a file of settings', () => {
  it('is read with its defaults', () => {
    expect(readDocument(schema, 'name: a', 'YAML')).toEqual({ name: 'a', every: 1, mode: 'on', labels: {} });
    expect(readDocument(schema, '{"name": "a"}', 'JSON')).toMatchObject({ name: 'a' });
  });

  it.each([
    ['', 'must be an object (found nothing)'],
    ['- a', 'must be an object (found a list of 1)'],
    ['{}', 'name is missing: must be a text'],
    ['name: A', 'name: must be in lower case (found "A")'],
    ['name: 5', 'name: must be a text (found 5)'],
    ['{name: a, every: 0.1}', 'every: must be at least 0.5 (found 0.1)'],
    ['{name: a, every: 61}', 'every: must be at most 60 (found 61)'],
    ['{name: a, every: often}', 'every: must be a number (found "often")'],
    ['{name: a, count: 0}', 'count: must be above 0 (found 0)'],
    ['{name: a, count: 1.5}', 'count: must be a whole number (found 1.5)'],
    ['{name: a, mode: yes}', 'mode: must be on or off (found "yes")'],
    ['{name: a, is_on: 1}', 'is_on: must be true or false (found 1)'],
    ['{name: a, labels: {l: []}}', 'labels.l: must have at least 1 entry (found a list of 0)'],
    ['{name: a, labels: {l: free}}', 'labels.l: must be bounded or a list (found "free")'],
    ['{name: a, labels: {L: bounded}}', 'labels.L: its name must be in lower case (found "bounded")'],
    ['{name: a, steps: [{at: 1}, {}]}', 'steps[1].at is missing: must be a number'],
    ['{name: a, steps: [{at: 1, to: 2}]}', 'steps[0].to is not a known field (known are at)'],
    ['{name: a, mood: 1}', /^mood is not a known field \(known are name, every, .*, steps\)$/],
    ['name: [', 'is not YAML (line 1, column 8)'],
  ])('%j: %s', (text, expected) => {
    expect(fault(text)).toEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
  });

  it('does not show what may be a secret', () => {
    expect(fault('{name: a, token: hunter2}')).toBe(
      'token: must have at least 16 characters (found a text of 7 characters)',
    );
    expect(fault('{name: a, url: "ftp://u:hunter2@h"}')).toBe(
      'url: must be a URL (found a text of 17 characters)',
    );
    expect(fault(`name: ${'A'.repeat(50)}`)).toBe(
      'name: must be in lower case (found a text of 50 characters)',
    );
    expect(() => readDocument(schema, 'hunter2', 'JSON')).toThrow(new Error('is not JSON'));
  });

  it('lists ten faults and counts the others', () => {
    const steps = Array.from({ length: 30 }, () => '{at: x}').join(', ');
    const said = fault(`{name: a, steps: [${steps}]}`);
    expect(said.match(/must be a number/g)).toHaveLength(10);
    expect(said).toMatch(/; and 20 more$/);
  });
});
