import { describe, expect, it } from '@jest/globals';
import { EventBus } from '../domain/event-bus.js';
import { ConnectionRecorder } from './connection-recorder.js';

function make() {
  const calls: string[] = [];
  let away = false;
  let lost = 0;
  const bus = new EventBus();
  const record = (what: string) => async (list: readonly unknown[]) => {
    if (away) throw new Error('the database is away');
    calls.push(`${what} ${list.length}`);
  };
  const counter = {
    inc: (by = 1) => {
      lost += by;
    },
  };
  const recorder = new ConnectionRecorder(
    { opened: record('opened'), closed: record('closed') },
    bus,
    counter as never,
    'node',
  );
  return {
    calls,
    recorder,
    lost: () => lost,
    away: (is: boolean) => (away = is),
    open: (id: number) =>
      bus.emit('connection.opened', {
        id,
        path: '/ws/stream',
        address: '127.0.0.1',
        userAgent: null,
        subject: null,
        atMs: id,
      }),
    close: (id: number) => bus.emit('connection.closed', { id, code: 1000, atMs: id }),
  };
}

describe('ConnectionRecorder', () => {
  it('writes a storm of 5,000 connections with two statements', async () => {
    const { recorder, calls, open, close } = make();
    for (let id = 1; id <= 5_000; id++) {
      open(id);
      close(id);
    }
    await recorder.flush();
    await recorder.flush();
    expect(calls).toEqual(['opened 5000', 'closed 5000']);
  });

  it('keeps what could not be written, up to a bound, and counts the rest', async () => {
    const { recorder, calls, lost, away, open } = make();
    away(true);
    for (let id = 1; id <= 20_010; id++) open(id);
    await expect(recorder.flush()).rejects.toThrow('away');
    expect(lost()).toBe(10);
    away(false);
    await recorder.flush();
    expect(calls).toEqual(Array.from({ length: 4 }, () => 'opened 5000'));
  });
});
