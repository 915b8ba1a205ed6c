import { describe, expect, it } from '@jest/globals';
import { Lifecycle } from './lifecycle.js';

describe('Lifecycle', () => {
  it('is unready until every named condition is met and again once it stops', async () => {
    const lifecycle = new Lifecycle();
    lifecycle.notReady('database');
    expect(lifecycle.unreadyReasons).toEqual(['starting', 'database']);
    lifecycle.ready('starting');
    lifecycle.ready('database');
    expect(lifecycle.unreadyReasons).toEqual([]);
    await lifecycle.shutdown();
    expect(lifecycle.unreadyReasons).toEqual(['draining']);
  });

  it('runs the phases in order, whatever the order of registration', async () => {
    const lifecycle = new Lifecycle();
    const ran: string[] = [];
    lifecycle.onShutdown('close', 'pool', () => void ran.push('close'));
    lifecycle.onShutdown('flush', 'writer', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ran.push('flush');
    });
    lifecycle.onShutdown('stop-intake', 'demo', () => void ran.push('stop-intake'));
    await lifecycle.shutdown();
    expect(ran).toEqual(['stop-intake', 'flush', 'close']);
  });

  it('runs what waits for the server to listen, one after the other, and is ready after that', async () => {
    const lifecycle = new Lifecycle();
    const ran: string[] = [];
    lifecycle.onStarted('demo', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ran.push(`demo ${lifecycle.unreadyReasons}`);
    });
    lifecycle.onStarted('schedule', () => void ran.push('schedule'));
    await lifecycle.started();
    expect(ran).toEqual(['demo starting', 'schedule']);
    expect(lifecycle.unreadyReasons).toEqual([]);
  });

  it('passes a step that fails and one that hangs, and names both', async () => {
    const lifecycle = new Lifecycle(10);
    const reported: string[] = [];
    lifecycle.onShutdown('flush', 'fails', () => {
      throw new Error('no');
    });
    lifecycle.onShutdown('flush', 'hangs', () => new Promise(() => {}));
    let closed = false;
    lifecycle.onShutdown('close', 'pool', () => {
      closed = true;
    });
    await lifecycle.shutdown((step) => reported.push(step));
    expect(reported.sort()).toEqual(['flush: fails', 'flush: hangs']);
    expect(closed).toBe(true);
  });
});
