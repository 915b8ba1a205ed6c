import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { processesIn } from '../../src/embedded/process-table.js';
import { postgres, redisUrl, tidewatch as run } from '../harness/index.js';

let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-cli-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const tidewatch = (args: string[], settings: Record<string, string> = {}) =>
  run(args, { DATA_DIR: dataDir, ...settings });

describe('tidewatch', () => {
  it('shows its commands, and refuses one that it does not have', async () => {
    const help = await tidewatch(['--help']);
    expect(help.code).toBe(0);
    for (const command of ['start', 'config', 'doctor'])
      expect(help.stdout).toMatch(new RegExp(`^ +${command} `, 'm'));
    const unknown = await tidewatch(['stop-the-world']);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain("unknown command 'stop-the-world'");
  });

  it('lists the settings with value and source, without secrets', async () => {
    const settings = {
      DATABASE_URL: 'postgres://me:hunter2@db/x',
      METRICS_TOKEN: 'hunter3-hunter3-hunter3-hunter3',
    };
    const { code, stdout } = await tidewatch(['config', '--json'], settings);
    expect(code).toBe(0);
    expect(stdout).not.toContain('hunter');
    const listing = JSON.parse(stdout) as { name: string; value: unknown; source: string }[];
    expect(listing.find(({ name }) => name === 'DATABASE_URL')).toMatchObject({
      value: 'postgres://me:***@db/x',
      source: 'environment',
    });
  });

  it('says in one line what is wrong with the settings', async () => {
    const { code, stderr } = await tidewatch(['config'], { PORT: 'x' });
    expect([code, stderr]).toEqual([
      1,
      'tidewatch: wrong setting: PORT: must be a whole number from 0 to 65535\n',
    ]);
  });
});

describe('tidewatch migrate', () => {
  it('lists what is pending, applies it once, and the doctor agrees', async () => {
    const DATABASE_URL = await postgres().freshDatabase();
    const before = await tidewatch(['migrate', '--check'], { DATABASE_URL });
    expect(before.code).toBe(1);
    expect(before.stdout).toMatch(/^pending {2}/m);
    const applied = await tidewatch(['migrate'], { DATABASE_URL });
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    expect(applied.stdout).toMatch(/^applied {2}/m);
    const again = await tidewatch(['migrate'], { DATABASE_URL });
    expect(again.stdout).not.toMatch(/^applied/m);
    const after = await tidewatch(['migrate', '--check'], { DATABASE_URL });
    expect([after.code, after.stdout]).toEqual([0, 'The schema is current.\n']);
  });

  it('starts the embedded database for as long as it takes when no server runs', async () => {
    const { code, stdout } = await tidewatch(['migrate']);
    expect(stdout).toContain('The schema is current');
    expect(code).toBe(0);
    expect(processesIn(join(dataDir, 'postgres'), 'postgres')).toEqual([]);
  });
});

describe('tidewatch doctor', () => {
  interface Report {
    status: string;
    findings: { check: string; status: string; message: string; fix?: string }[];
  }
  const doctor = async (settings: Record<string, string>) => {
    const { code, stdout } = await tidewatch(['doctor', '--json'], { PORT: '0', ...settings });
    return { code, ...(JSON.parse(stdout) as Report) };
  };

  it('finds nothing wrong with an installation that works', async () => {
    const { code, status, findings } = await doctor({
      DATABASE_URL: await postgres().freshDatabase(),
      REDIS_URL: await redisUrl(),
    });
    expect(findings.filter((finding) => finding.status === 'error')).toEqual([]);
    expect([code, status]).toEqual([0, 'ok']);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['settings', 'database', 'redis']),
    );
  });

  it('names what does not answer and what to do, with exit code 1', async () => {
    const { code, status, findings } = await doctor({
      DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/x',
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    expect([code, status]).toEqual([1, 'error']);
    const failed = findings.filter((finding) => finding.status === 'error');
    expect(failed.map(({ check, fix }) => [check, fix])).toEqual([
      ['database', 'check DATABASE_URL'],
      ['redis', 'check REDIS_URL'],
    ]);
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });
});
