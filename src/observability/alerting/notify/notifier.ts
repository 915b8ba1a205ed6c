import type { Alert } from '../alert.js';

/** What is worth telling about an alert: it fires, it still fires, it is over. */
export type Occasion = 'firing' | 'reminder' | 'resolved';

export interface Notice {
  readonly alert: Alert;
  readonly occasion: Occasion;
  /** Absolute addresses for people. */
  readonly links: { readonly alert: string; readonly runbook: string; readonly evidence: string };
}

/** One way out. `send` resolves when the other side has accepted, and rejects otherwise; retries are the queue's. */
export interface Notifier {
  readonly name: NotifierName;
  /** What it wants to be told again while an alert fires, ms; `null`: only reminders. */
  readonly repeatEveryMs: number | null;
  send(notices: readonly Notice[], signal: AbortSignal): Promise<void>;
}

const notifierNames = ['webhook', 'alertmanager', 'slack'] as const;
export type NotifierName = (typeof notifierNames)[number];

/** The other side refused in a way that trying again will not change. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** POSTs JSON. @throws Refused for 4xx other than 408 and 429; Error for everything worth another attempt */
export async function post(url: string, body: unknown, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal,
  });
  // The body is not wanted, but an unread one keeps its connection.
  await answer.body?.cancel();
  if (answer.ok) return;
  const retryable = answer.status >= 500 || answer.status === 408 || answer.status === 429;
  throw retryable ? new Error(`answered ${answer.status}`) : new Refused(`answered ${answer.status}`);
}
