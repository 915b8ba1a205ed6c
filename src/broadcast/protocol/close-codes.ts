/** What a closed client should do. */
export type CloseAdvice =
  /** Come back with the last positions, after the usual back-off (or after `reconnect_after_ms` of the reason). */
  | 'resume'
  /** Come back, but with a new token. */
  | 'reauthenticate'
  /** Do not come back: it would be closed again. */
  | 'stop';

export interface CloseCode {
  readonly code: number;
  readonly reason: string;
  readonly advice: CloseAdvice;
}

const define = <T extends Record<string, CloseCode>>(codes: T): Readonly<T> => codes;

/** Every code with which this server closes a WebSocket. Clients decide by the number, never by the words. */
export const closeCode = define({
  normal: { code: 1000, reason: 'closed', advice: 'stop' },
  protocolError: { code: 1002, reason: 'protocol error', advice: 'stop' },
  invalidData: { code: 1007, reason: 'text that is not UTF-8', advice: 'stop' },
  messageTooBig: { code: 1009, reason: 'message too big', advice: 'stop' },
  internal: { code: 1011, reason: 'internal error', advice: 'resume' },
  /** Shutdown or rebalancing; the reason is JSON with `reconnect_after_ms`. */
  restart: { code: 1012, reason: 'restart', advice: 'resume' },
  unauthenticated: { code: 3000, reason: 'no valid token in time', advice: 'reauthenticate' },
  /** A subscription with policy `all` did not keep up. */
  slow: { code: 3008, reason: 'slow consumer', advice: 'resume' },
  tokenExpired: { code: 4001, reason: 'token expired', advice: 'reauthenticate' },
  tokenRevoked: { code: 4002, reason: 'token revoked', advice: 'stop' },
  disconnected: { code: 4004, reason: 'disconnected by an operator', advice: 'stop' },
  tooManyMessages: { code: 4029, reason: 'too many messages', advice: 'resume' },
});

const byNumber = new Map<number, CloseCode>(Object.values(closeCode).map((entry) => [entry.code, entry]));

/** Label for metrics: the number when it is ours or common, `other` for what a peer made up. */
export function closeLabel(code: number): string {
  if (byNumber.has(code) || code === 1001 || code === 1005 || code === 1006) return String(code);
  return 'other';
}
