import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { StartupError } from '../startup-error.js';
import { hashKey, KeyFileAuthorizer, readKeys } from './key-file.authorizer.js';
import { maySee, mayUse } from './principal.js';

const folder = mkdtempSync(join(tmpdir(), 'tidewatch-keys-'));
const path = join(folder, 'keys.json');
const file = (...keys: object[]) => JSON.stringify({ keys });
const desk = { id: 'desk', hash: hashKey('secret'), scopes: ['read'], portfolios: ['P1'] };

describe('KeyFileAuthorizer', () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('knows who a key belongs to, and nobody without one', () => {
    writeFileSync(path, file(desk, { id: 'ops', hash: hashKey('root'), scopes: ['admin'] }));
    const authorizer = new KeyFileAuthorizer(path, () => {});
    const principal = authorizer.authenticate('secret')!;
    expect([principal.id, mayUse(principal, 'read'), mayUse(principal, 'ingest')]).toEqual([
      'desk',
      true,
      false,
    ]);
    expect([maySee(principal, 'P1'), maySee(principal, 'P2')]).toEqual([true, false]);
    const ops = authorizer.authenticate('root')!;
    expect([mayUse(ops, 'ingest'), maySee(ops, 'P2')]).toEqual([true, true]);
    for (const wrong of [null, '', 'secre', 'secret ', desk.hash, 'x'.repeat(10_000)]) {
      expect(authorizer.authenticate(wrong)).toBeUndefined();
    }
    authorizer.close();
  });

  it('does not take a key past its end', () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    writeFileSync(path, file({ ...desk, expires_at: '2030-01-01T00:00:01Z' }));
    const authorizer = new KeyFileAuthorizer(
      path,
      () => {},
      () => now,
    );
    expect(authorizer.authenticate('secret')?.id).toBe('desk');
    now += 1_000;
    expect(authorizer.authenticate('secret')).toBeUndefined();
    authorizer.close();
  });

  it.each([
    ['no JSON', '{'],
    ['no keys', '{"keys":[]}'],
    ['an unknown field', file({ ...desk, role: 'x' })],
    ['a plain key instead of its hash', file({ ...desk, hash: 'secret' })],
    ['an unknown scope', file({ ...desk, scopes: ['root'] })],
    ['the same id twice', file(desk, desk)],
  ])('refuses a file with %s', (_name, text) => {
    expect(() => readKeys(text)).toThrow();
    writeFileSync(path, text);
    expect(() => new KeyFileAuthorizer(path, () => {})).toThrow(StartupError);
  });
});
