import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { unavailable } from '../domain/problem.js';
import type { IngestOutcome } from './ingest-report.js';
import { IngestSession, type MessageRows } from './ingest-session.js';

const stored = (accepted: number, replayed = false): IngestOutcome => ({
  answer: { accepted, duplicates: 0, rejected: [], rejected_total: 0 },
  replayed,
});

function connect(
  store: (rows: MessageRows) => Promise<IngestOutcome> = async (r) => stored(r.values.length),
) {
  const sent: Record<string, unknown>[] = [];
  const defects: unknown[] = [];
  const state = { paused: false };
  const socket = {
    send: (text: string) => sent.push(JSON.parse(text)),
    socket: {
      pause: () => {
        state.paused = true;
      },
      resume: () => {
        state.paused = false;
      },
    },
  };
  const session = new IngestSession(
    socket,
    store,
    (e) => defects.push(e),
    () => 42,
  );
  const say = (message: unknown) =>
    session.receive(typeof message === 'string' ? message : JSON.stringify(message));
  return { sent, defects, state, say };
}

describe('a WebSocket that ingests', () => {
  it('acknowledges each message by its id once its rows are stored', async () => {
    const pending: (() => void)[] = [];
    const { sent, say } = connect(
      (rows) => new Promise((resolve) => pending.push(() => resolve(stored(rows.values.length)))),
    );
    say({ type: 'ticks', id: 1, ticks: [{}, {}] });
    say({ type: 'metrics', id: 'b', points: [{}] });
    await turn();
    expect(sent).toEqual([]);
    pending[1]?.();
    pending[0]?.();
    await turn();
    expect(sent).toEqual([
      { type: 'ack', id: 'b', accepted: 1, duplicates: 0, rejected: [], rejected_total: 0 },
      { type: 'ack', id: 1, accepted: 2, duplicates: 0, rejected: [], rejected_total: 0 },
    ]);
  });

  it('passes the key on and says when an answer is an old one', async () => {
    const keys: unknown[] = [];
    const { sent, say } = connect(async (rows) => {
      keys.push(rows.idempotencyKey);
      return stored(1, true);
    });
    say({ type: 'ticks', id: 1, ticks: [{}], key: 'k-1' });
    await turn();
    expect(keys).toEqual(['k-1']);
    expect(sent[0]).toMatchObject({ type: 'ack', replayed: true });
  });

  it('says when to come again', async () => {
    const { sent, say } = connect(() => Promise.reject(unavailable('BUFFER_FULL', 'Full.', 2)));
    say({ type: 'ticks', id: 1, ticks: [{}] });
    await turn();
    expect(sent).toEqual([
      {
        type: 'error',
        id: 1,
        code: 'BUFFER_FULL',
        message: 'Full.',
        status: 503,
        detail: 'Full.',
        retry_after_ms: 2_000,
      },
    ]);
  });

  it('tells nothing of a defect to the client', async () => {
    const { sent, say, defects } = connect(() => Promise.reject(new Error('secret')));
    say({ type: 'ticks', id: 1, ticks: [{}] });
    await turn();
    expect(JSON.stringify(sent)).not.toContain('secret');
    expect(sent[0]).toMatchObject({ type: 'error', id: 1, code: 'INTERNAL_ERROR' });
    expect(defects).toHaveLength(1);
  });

  it('answers pings', () => {
    const { sent, say } = connect();
    say({ type: 'ping', timestamp: 7 });
    expect(sent).toEqual([{ type: 'pong', timestamp: 7, server_time: 42 }]);
  });

  it.each([
    ['{', null, 'MALFORMED_JSON', undefined],
    ['[]', null, 'VALIDATION_FAILED', ''],
    ['null', null, 'VALIDATION_FAILED', ''],
    [{ type: 'subscribe', id: 3 }, 3, 'UNKNOWN_TYPE', '/type'],
    [{ type: 'toString', id: 3 }, 3, 'UNKNOWN_TYPE', '/type'],
    [{ type: 'ticks', ticks: [] }, null, 'VALIDATION_FAILED', '/id'],
    [{ type: 'ticks', id: 1.5, ticks: [] }, null, 'VALIDATION_FAILED', '/id'],
    [{ type: 'ticks', id: 1 }, 1, 'VALIDATION_FAILED', '/ticks'],
    [{ type: 'ticks', id: 1, points: [] }, 1, 'VALIDATION_FAILED', '/points'],
    [{ type: 'ticks', id: 1, ticks: {} }, 1, 'VALIDATION_FAILED', '/ticks'],
    [{ type: 'ticks', id: 1, ticks: [], key: '' }, 1, 'VALIDATION_FAILED', '/key'],
  ])('refuses %j, names the field and lives on', async (message, id, code, pointer) => {
    const { sent, say } = connect();
    say(message);
    say({ type: 'ticks', id: 9, ticks: [] });
    await turn();
    expect(sent).toHaveLength(2);
    expect(sent[0]).toMatchObject({ type: 'error', id, code });
    expect((sent[0] as { errors?: { pointer: string }[] }).errors?.[0]?.pointer).toBe(pointer);
    expect(sent[1]).toMatchObject({ type: 'ack', id: 9 });
  });

  it('is not read any further while too many messages wait for the database', async () => {
    const pending: (() => void)[] = [];
    const { sent, say, state } = connect(
      () => new Promise((resolve) => pending.push(() => resolve(stored(1)))),
    );
    for (let id = 0; id < 70; id++) say({ type: 'ticks', id, ticks: [{}] });
    await turn();
    expect(state.paused).toBe(true);
    expect(pending).toHaveLength(64);
    expect(sent.map((m) => m.code)).toEqual(Array.from({ length: 6 }, () => 'TOO_MANY_IN_FLIGHT'));
    for (const resolve of pending) resolve();
    await turn();
    expect(state.paused).toBe(false);
    expect(sent).toHaveLength(70);
  });
});
