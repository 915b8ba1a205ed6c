import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Config } from '../../src/config/config.js';
import { settings } from '../../src/config/schema.js';

describe('.env.example', () => {
  const text = readFileSync('.env.example', 'utf8');
  const example = parseEnv(text);

  it('has every setting and no other', () => {
    expect(Object.keys(example).sort()).toEqual(Object.keys(settings).sort());
  });

  it('states the defaults: with it the server runs as without it', () => {
    const values = (config: Config) => config.list().map(({ name, value }) => [name, value]);
    expect(values(Config.from({}, example))).toEqual(values(Config.from({})));
  });

  it('explains every setting in the line above it', () => {
    const lines = text.split('\n');
    const bare = lines.filter((line, i) => /^[A-Z]/.test(line) && !lines[i - 1]?.startsWith('# '));
    expect(bare).toEqual([]);
  });
});
