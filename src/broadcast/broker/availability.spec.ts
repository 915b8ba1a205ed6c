import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Availability } from './availability.js';

describe('Availability', () => {
  let said: string[];
  let catchUps: { resolve: () => void; reject: (error: Error) => void }[];
  let connected: boolean;
  let availability: Availability;
  const settle = () => jest.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    jest.useFakeTimers();
    said = [];
    catchUps = [];
    connected = true;
    availability = new Availability(
      {
        isConnected: () => connected,
        probe: () => Promise.resolve(),
        catchUp: () => new Promise((resolve, reject) => catchUps.push({ resolve, reject })),
        agreed: () => said.push('agreed'),
        gone: () => said.push('gone'),
      },
      {
        degraded: (reason) => said.push(`degraded: ${reason}`),
        recovered: (awayMs) => said.push(`recovered after ${awayMs}`),
      },
      () => Date.now(),
    );
    availability.start();
  });
  afterEach(() => {
    availability.stop();
    jest.useRealTimers();
  });

  it('is there once both sides agree; the first time nobody has to be told', async () => {
    void availability.recover();
    expect([availability.state, availability.isAlone]).toEqual(['degraded', true]);
    await settle();
    expect([availability.state, availability.isAlone]).toEqual(['degraded', false]);
    catchUps[0]!.resolve();
    await settle();
    expect(availability.state).toBe('ok');
    availability.lost(new Error('cut'));
    await jest.advanceTimersByTimeAsync(500);
    catchUps[1]!.resolve();
    await settle();
    expect(said).toEqual(['agreed', 'degraded: cut', 'gone', 'agreed', 'recovered after 500']);
  });

  it('lets an attempt that was overtaken by the next loss end without an effect', async () => {
    void availability.recover();
    await settle();
    availability.lost('cut while catching up');
    catchUps[0]!.resolve();
    await settle();
    expect([availability.state, said]).toEqual(['degraded', ['gone']]);
    await jest.advanceTimersByTimeAsync(500);
    catchUps[1]!.reject(new Error('no answer'));
    await settle();
    expect([availability.state, said]).toEqual(['degraded', ['gone', 'gone']]);
    // And again, without being asked, as soon as there is a connection.
    connected = false;
    await jest.advanceTimersByTimeAsync(500);
    expect(catchUps).toHaveLength(2);
    connected = true;
    void availability.recover();
    await settle();
    catchUps[2]!.resolve();
    await settle();
    expect([availability.state, said]).toEqual(['ok', ['gone', 'gone', 'agreed']]);
  });
});
