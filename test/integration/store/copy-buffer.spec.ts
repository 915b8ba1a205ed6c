import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { CopyBuffer } from '../../../src/store/copy/copy-buffer.js';
import { CopyQuery } from '../../../src/store/copy/copy-query.js';
import { postgres } from '../../harness/index.js';

interface Row {
  readonly text: string | null;
  readonly json: string | null;
  readonly float: number | null;
  readonly big: number | null;
  readonly uuid: string | null;
  readonly tsMs: number | null;
}

/** Everything that text COPY has to escape, and what has tripped encoders before. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\u0000')),
  fc.constantFrom('', '\\N', '\\.', 'a\tb\nc\rd', 'it\'s "so" \\ 🌊', '日本語', '\u{10ffff}', '{a,"b"}'),
);
const row: fc.Arbitrary<Row> = fc.record({
  text: fc.option(text),
  json: fc.option(
    fc.json().filter((s) => !/\\u0000|\\ud[89a-f]/i.test(s) && s.isWellFormed() && !/[eE]/.test(s)),
  ),
  float: fc.option(fc.double()),
  big: fc.option(fc.maxSafeInteger()),
  uuid: fc.option(fc.uuid()),
  // Microseconds, before 2000, after 2038 and around both epochs.
  tsMs: fc.option(
    fc.oneof(
      fc.integer({ min: -8e12, max: 8e12 }),
      fc.integer({ min: -1e15, max: 1e15 }).map((us) => us / 1000),
      fc.constantFrom(0, -0.001, 946_684_800_000, 946_684_799_999.999, 4_102_444_800_000.5),
    ),
  ),
});

describe('binary COPY', () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({ connectionString: await postgres().freshDatabase() });
    await client.connect();
    for (const name of ['a', 'b']) {
      await client.query(
        `CREATE TABLE ${name} (n bigint, t text, j jsonb, f float8, b bigint, u uuid, ts timestamptz)`,
      );
    }
  });
  afterAll(() => client.end());

  const copy = async (rows: readonly Row[]): Promise<void> => {
    const query = new CopyQuery('BEGIN; COPY a FROM STDIN (FORMAT binary); COMMIT');
    const buffer = new CopyBuffer(16);
    buffer.header();
    client.query(query);
    rows.forEach((r, n) => {
      const or = <T>(value: T | null, write: (v: T) => void): void => {
        if (value === null) buffer.null();
        else write(value);
      };
      buffer.row(7);
      buffer.int8(n);
      or(r.text, (v) => buffer.text(v));
      or(r.json, (v) => buffer.jsonb(v));
      or(r.float, (v) => buffer.float8(v));
      or(r.big, (v) => buffer.int8(v));
      or(r.uuid, (v) => buffer.uuid(v));
      or(r.tsMs, (v) => buffer.timestamptz(v));
      if (n % 3 === 0) query.write(buffer.takeFrame());
    });
    buffer.trailer();
    query.write(buffer.takeFrame());
    query.end();
    const results = await query.done;
    expect(results.map((r) => r.command)).toEqual(['BEGIN', `COPY ${rows.length}`, 'COMMIT']);
  };

  /** The server's own parser of text, as reference. Microseconds as text: a Date has none. */
  const insert = async (rows: readonly Row[]): Promise<void> => {
    for (const [n, r] of rows.entries()) {
      const us = r.tsMs === null ? null : BigInt(Math.floor(r.tsMs)) * 1000n + fraction(r.tsMs);
      await client.query(
        `INSERT INTO b VALUES ($1, $2, $3::text::jsonb, $4::text::float8, $5, $6,
          timestamptz '1970-01-01 00:00+00' + $7::bigint * interval '1 microsecond')`,
        [n, r.text, r.json, r.float === null ? null : String(r.float), r.big, r.uuid, us],
      );
    }
  };
  const fraction = (ms: number): bigint => BigInt(Math.round((ms - Math.floor(ms)) * 1000));

  it('stores what text would store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 25 }), async (rows) => {
        await client.query('TRUNCATE a, b');
        await copy(rows);
        await insert(rows);
        const differences = await client.query(
          '(TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)',
        );
        expect(differences.rows).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('leaves the connection usable when a statement before, in or after it fails', async () => {
    const attempt = async (sql: string, bytes?: Buffer): Promise<string> => {
      const query = new CopyQuery(sql);
      client.query(query);
      if (bytes) query.write(bytes);
      query.end();
      const error = await query.done.then(
        () => ({ code: 'none' }),
        (e: { code: string }) => e,
      );
      await client.query('ROLLBACK');
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      return error.code;
    };
    const buffer = new CopyBuffer();
    buffer.header();
    buffer.row(1);
    buffer.int8(1);
    buffer.trailer();
    const frame = buffer.takeFrame();
    const copyN = 'COPY a (n) FROM STDIN (FORMAT binary)';
    expect(await attempt(`BEGIN; SELECT 1/0; ${copyN}; COMMIT`, frame)).toBe('22012');
    expect(await attempt(`BEGIN; ${copyN}; SELECT 1/0; COMMIT`, frame)).toBe('22012');
    expect(await attempt(`BEGIN; COPY a (n, b) FROM STDIN (FORMAT binary); COMMIT`, frame)).toBe('22P04');
    expect(await attempt(`BEGIN; ${copyN}; COMMIT`, frame)).toBe('none');
  });
});
