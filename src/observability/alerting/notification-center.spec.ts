import { describe, expect, it } from '@jest/globals';
import type { Alert, HistoryEntry } from './alert.js';
import { NotificationCenter, reminderEveryMs } from './notification-center.js';
import { NotificationQueue } from './notify/notification-queue.js';
import type { Notice, Notifier } from './notify/notifier.js';

const firing = { id: 'a', name: 'CpuHigh', state: 'firing', ack: null, value: 80, firedAtMs: 0 } as Alert;
const acknowledged = { ...firing, ack: { by: 'ada', comment: 'on it', atMs: 1 } };
const minuteMs = 60_000;

/** A center with a clock, a way to people and one that forgets what is not repeated. */
function center() {
  const clock = { nowMs: 0 };
  const told: string[] = [];
  const history: HistoryEntry[] = [];
  const way = (name: Notifier['name'], repeatEveryMs: number | null): Notifier => ({
    name,
    repeatEveryMs,
    send: async (notices: readonly Notice[]) => {
      told.push(...notices.map(({ occasion }) => `${name} ${occasion}`));
    },
  });
  const subject = new NotificationCenter(
    [way('slack', null), way('alertmanager', minuteMs)],
    (notifier, hooks) => new NotificationQueue(notifier, hooks),
    () => {},
    () => ({ alert: '', evidence: '', runbook: '' }),
    (entry) => history.push(entry),
    () => clock.nowMs,
  );
  /** What is told by an action at a time. */
  const at = async (nowMs: number, act: () => void) => {
    clock.nowMs = nowMs;
    act();
    await subject.idle();
    return told.splice(0);
  };
  return { subject, at, history };
}

describe('who is told what, and when', () => {
  it('tells of a firing once, and of its end', async () => {
    const { subject, at, history } = center();
    expect(await at(0, () => subject.consider(firing, false))).toEqual([
      'slack firing',
      'alertmanager firing',
    ]);
    expect(await at(5_000, () => subject.consider(firing, false))).toEqual([]);
    const over: Alert = { ...firing, state: 'resolved' };
    expect(await at(9_000, () => subject.resolved(over))).toEqual([
      'slack resolved',
      'alertmanager resolved',
    ]);
    expect(history.map(({ comment }) => comment)).toContain('firing, slack');
  });

  it('repeats to a way that forgets, which is no reminder to people', async () => {
    const { subject, at, history } = center();
    await at(0, () => subject.consider(firing, false));
    expect(await at(minuteMs, () => subject.consider(acknowledged, false))).toEqual([
      'alertmanager reminder',
    ]);
    expect(history.some(({ comment }) => comment?.startsWith('reminder'))).toBe(false);
  });

  it('reminds people until somebody acknowledges', async () => {
    const { subject, at } = center();
    await at(0, () => subject.consider(firing, false));
    expect(await at(reminderEveryMs, () => subject.consider(firing, false))).toContain('slack reminder');
    const later = await at(2 * reminderEveryMs, () => subject.consider(acknowledged, false));
    expect(later).not.toContain('slack reminder');
  });

  it('says nothing of what is silenced: not its firing, not its end; and tells it when the silence is over', async () => {
    const { subject, at } = center();
    expect(await at(0, () => subject.consider(firing, true))).toEqual([]);
    expect(await at(1, () => subject.resolved({ ...firing, state: 'resolved' }))).toEqual([]);
    const other = { ...firing, id: 'b' };
    await at(2, () => subject.consider(other, true));
    expect(await at(3, () => subject.consider(other, false))).toContain('slack firing');
  });

  it('does not tell again after a restart what was told before it, and tells its end', async () => {
    const { subject, at } = center();
    subject.restore(firing);
    expect(await at(1_000, () => subject.consider(firing, false))).toEqual([]);
    expect(await at(2_000, () => subject.resolved(firing))).toContain('slack resolved');
  });
});
