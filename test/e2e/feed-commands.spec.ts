import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/store/database.js';
import { tidewatch as run, startApp, type TestApp } from '../harness/index.js';

let app: TestApp;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidewatch-feed-'));
  app = await startApp();
});
afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tidewatch = (...args: string[]) => run(args);

const t0 = Date.UTC(2024, 4, 6, 14);
const csv = (symbol: string, rows: number, everyMs = 10): string =>
  `ts_ms,symbol,price,size,exchange\n${Array.from({ length: rows }, (_, i) => `${t0 + i * everyMs},${symbol},${100 + (i % 8) / 4},${i},P\n`).join('')}`;

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function sizes(symbol: string): Promise<number[]> {
  const { rows } = await app.app
    .get(Database)
    .reader.query<{ size: number }>('SELECT size FROM ticks WHERE symbol = $1 ORDER BY seq', [symbol]);
  return rows.map((row) => row.size);
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('tidewatch import', () => {
  it('shows what is in a file without storing it', async () => {
    const path = file('dry.csv.gz', gzipSync(`${csv('DRY', 12_000)}x,DRY,1,1,P\n`));
    const { code, stdout } = await tidewatch('import', path, '--dry-run');
    expect(code).toBe(2);
    expect(stdout).toContain('ticks as csv, gzip');
    expect(stdout).toContain('skipped columns: exchange');
    expect(stdout).toContain('2024-05-06T14:00:00.010Z  100.25  1');
    expect(stdout).toMatch(/rows +12,000\n/);
    expect(stdout).toMatch(/rejected +1 \(INVALID_TS 1\)\n +row 12001: INVALID_TS/);
    expect(stdout).toContain('nothing was stored');
    expect(await sizes('DRY')).toEqual([]);
  });

  it('stores a file once, however often it is imported', async () => {
    const path = file('once.csv.zst', zstdCompressSync(csv('ONCE', 12_000)));
    const first = await tidewatch('import', path, '--url', app.baseUrl);
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/stored +12,000 rows, in/);
    const again = await tidewatch('import', path, '--url', app.baseUrl);
    expect(again.stdout).toMatch(/stored +0 rows, 12,000 already stored by an earlier import/);
    expect(await sizes('ONCE')).toEqual(upTo(12_000));
  });

  it('stores metric points', async () => {
    const portfolio = await fetch(`${app.baseUrl}/api/v1/portfolios/FEED`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'FEED', currency: 'USD', positions: [] }),
    });
    expect(portfolio.ok).toBe(true);
    const point = `{"portfolio_id":"FEED","metric_type":"m","value":1,"timestamp":${t0}}\n`;
    const { code, stdout } = await tidewatch(
      'import',
      file('m.ndjson', point),
      '--metrics',
      '--url',
      app.baseUrl,
    );
    expect([code, stdout]).toEqual([0, expect.stringMatching(/portfolios FEED 1\nstored +1 rows/)]);
  });

  it.each([
    ['a file that is not there', 'none.csv', undefined, 'cannot read'],
    ['an empty file', 'empty.csv', '', 'is empty'],
    ['a file of something else', 'other.bin', '\u0001\u0002', 'neither CSV with a header nor NDJSON'],
    ['a CSV without prices', 'no-price.csv', 'ts,symbol\n1,A\n', 'no column for price'],
  ])('says in one line what is wrong with %s', async (_, name, content, message) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    const { code, stderr } = await tidewatch('import', path, '--url', app.baseUrl);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(message)]);
  });

  it('says so when no server answers', async () => {
    const { code, stderr } = await tidewatch(
      'import',
      file('a.csv', csv('A', 1)),
      '--url',
      'http://127.0.0.1:9',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('no server answers at http://127.0.0.1:9');
  });
});

describe('tidewatch replay', () => {
  it('sends everything at full speed, into a portfolio of its symbols', async () => {
    const path = file('max.csv', csv('MAX', 25_000));
    const { code, stdout } = await tidewatch(
      'replay',
      path,
      '--speed',
      'max',
      '--portfolio',
      'RP',
      '--url',
      app.baseUrl,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/portfolio +RP holds 100 of 1 symbols/);
    expect(stdout).toMatch(/sent +25,000 ticks in/);
    expect(stdout).toMatch(/stored +25,000\n/);
    expect(await sizes('MAX')).toEqual(upTo(25_000));
    const portfolio = await (await fetch(`${app.baseUrl}/api/v1/portfolios/RP`)).json();
    expect(portfolio).toMatchObject({ positions: [{ symbol: 'MAX', quantity: 100 }] });
  });

  it('keeps the original spacing, divided by the speed', async () => {
    const path = file('spaced.csv', csv('SPACED', 100, 100));
    const began = Date.now();
    const { stdout } = await tidewatch('replay', path, '--speed', '5x', '--live', '--url', app.baseUrl);
    expect(Date.now() - began).toBeGreaterThan(1_900);
    expect(stdout).toMatch(/stored +100\n/);
    const { rows } = await app.app
      .get(Database)
      .reader.query<{ first: number }>(
        "SELECT (extract(epoch FROM min(ts)) * 1000)::float8 AS first FROM ticks WHERE symbol = 'SPACED'",
      );
    expect(rows[0]?.first).toBeGreaterThanOrEqual(began);
  });

  it('refuses a speed that is none', async () => {
    const { code, stderr } = await tidewatch('replay', file('s.csv', csv('S', 1)), '--speed', 'fast');
    expect(code).toBe(1);
    expect(stderr).toContain('max or a number above 0');
  });
});
