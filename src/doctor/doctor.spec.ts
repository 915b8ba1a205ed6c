import { describe, expect, it } from '@jest/globals';
import { Config } from '../config/config.js';
import { judge, judgeBranch, judgeLog } from './checks/database.check.js';
import { judgePolicy } from './checks/redis.check.js';
import { type DoctorCheck, examine, findChecks } from './doctor.js';

const context = { config: Config.from({}), server: null, databaseUrl: null };
const check = (name: string, run: DoctorCheck['run']): DoctorCheck => ({ name, run });

describe('examine', () => {
  it('reports a check that throws and one that hangs as findings, beside those of the others', async () => {
    const checks = [
      check('fine', async () => ({ status: 'ok', message: 'fine' })),
      check('throws', () => Promise.reject(new Error('no such thing'))),
      check('hangs', () => new Promise(() => {})),
    ];
    expect(await examine(checks, context, 20)).toEqual([
      { check: 'fine', status: 'ok', message: 'fine' },
      { check: 'throws', status: 'error', message: 'the check itself failed: no such thing' },
      { check: 'hangs', status: 'error', message: 'the check itself failed: no answer within 20 ms' },
    ]);
  });

  it('finds the checks in their folder', async () => {
    const names = (await findChecks()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['data-dir', 'database', 'process', 'redis', 'server']));
  });
});

describe('the judgement on a database', () => {
  const facts = {
    version: '18.4',
    number: 180_004,
    max_connections: 100,
    used: 3,
    timescaledb: null,
    licence: null,
    invalid: null,
    now_ms: 1_000,
  };
  const statuses = (changes: Partial<typeof facts> | object) =>
    judge({ ...facts, ...changes }, context.config, 1_000).map(
      ({ status, message }) => `${status} ${message}`,
    );

  it('finds nothing wrong with a current one', () => {
    expect(statuses({})).toEqual(['ok PostgreSQL 18.4 without TimescaleDB']);
  });

  it('names a version that is too old, pools that do not fit, broken indexes and a wrong clock', () => {
    expect(statuses({ version: '14.2', number: 140_002 })).toContain('error PostgreSQL 14.2 is too old');
    expect(statuses({ max_connections: 15 }).join()).toContain('the pools may take 8 of 15 connections');
    expect(statuses({ invalid: ['ticks_idx'] })).toContain('error the index ticks_idx is invalid');
    expect(statuses({ now_ms: 6_000 }).join()).toContain('differ by 5.0 s');
  });

  it('says what a TimescaleDB under the Apache licence lacks', () => {
    expect(statuses({ timescaledb: '2.28', licence: 'apache' }).join()).toContain('no continuous aggregates');
    expect(statuses({ timescaledb: '2.28', licence: 'timescale' })).toEqual([
      'ok PostgreSQL 18.4 TimescaleDB 2.28',
    ]);
  });
});

describe('what is said about the storage', () => {
  it('names the branch, and what is lost without TimescaleDB', () => {
    const native = { dialect: 'native', reason: 'TIMESCALE=off', timescaleVersion: null } as const;
    const [finding] = judgeBranch(native);
    expect(finding?.message).toContain('plain PostgreSQL');
    expect(finding?.message).toContain('TIMESCALE=off');
    expect(finding?.message).toContain('no columnstore compression');
    const timescale = {
      dialect: 'timescale',
      reason: 'TimescaleDB 2.28.3',
      timescaleVersion: '2.28.3',
    } as const;
    expect(judgeBranch(timescale)[0]?.message).toContain('continuous aggregates');
    expect(judgeBranch(null)).toEqual([]);
  });

  it('counts what was logged within the hour; errors are a warning', () => {
    expect(judgeLog(null)).toEqual([]);
    expect(judgeLog({ errors: 0, warnings: 0, newest: null })).toEqual([]);
    expect(judgeLog({ errors: 0, warnings: 2, newest: 'store: slow' })).toMatchObject([{ status: 'ok' }]);
    expect(judgeLog({ errors: 1, warnings: 2, newest: 'store: gone' })).toMatchObject([
      { status: 'warning', message: expect.stringContaining('the newest: store: gone') },
    ]);
  });
});

describe('the judgement on an eviction policy', () => {
  it('refuses those that may throw away what must stay', () => {
    expect(judgePolicy('allkeys-lru')[0]?.status).toBe('error');
    expect(judgePolicy(undefined)[0]?.status).toBe('warning');
    for (const fine of ['noeviction', 'volatile-lfu', 'volatile-ttl']) expect(judgePolicy(fine)).toEqual([]);
  });
});
