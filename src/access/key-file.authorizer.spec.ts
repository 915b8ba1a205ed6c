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

  it('keeps its keys when the file becomes wrong, and reports what is wrong where', async () => {
    writeFileSync(path, file(desk));
    const problem = new Promise<Error>((resolve) => {
      const authorizer = new KeyFileAuthorizer(path, (error) => {
        expect(authorizer.authenticate('secret')?.id).toBe('desk');
        authorizer.close();
        resolve(error as Error);
      });
    });
    writeFileSync(path, file({ ...desk, scopes: [] }));
    expect((await problem).message).toBe(
      `API_KEYS: ${path}: keys[0].scopes: must have at least 1 entry (found a list of 0)`,
    );
  });

  it.each([
    ['no JSON', '{', 'is not JSON (line 1, column 2)'],
    ['JSON that is not all', '{"keys":', 'is not JSON (it ends too early)'],
    ['a key and no JSON', 'secret', 'is not JSON'],
    ['a list', '[]', 'must be an object (found a list of 0)'],
    ['no keys', '{"keys":[]}', 'keys: must have at least 1 entry (found a list of 0)'],
    [
      'an unknown field',
      file({ ...desk, role: 'x' }),
      'keys[0].role is not a known field (known are id, hash, scopes, portfolios, expires_at)',
    ],
    [
      'a plain key instead of its hash',
      file({ ...desk, hash: 'secret' }),
      'keys[0].hash: must be sha256: and 64 hexadecimal digits in lower case (found a text of 6 characters)',
    ],
    [
      'an unknown scope',
      file({ ...desk, scopes: ['read', 'root'] }),
      'keys[0].scopes[1]: must be read, ingest or admin (found "root")',
    ],
    ['the same id twice', file(desk, desk), 'keys[1].id: must not be the id of another key (found "desk")'],
    [
      'several faults',
      file({ hash: desk.hash, scopes: 'read', expires_at: 'soon' }),
      'keys[0].id is missing: must be a text; keys[0].scopes: must be a list (found "read"); ' +
        'keys[0].expires_at: must be an ISO 8601 time with its zone (found "soon")',
    ],
  ])('refuses a file with %s, and says what is wrong where', (_name, text, fault) => {
    expect(() => readKeys(text)).toThrow(new Error(fault));
    writeFileSync(path, text);
    expect(() => new KeyFileAuthorizer(path, () => {})).toThrow(
      new StartupError(`API_KEYS: ${path}: ${fault}`),
    );
  });
});
