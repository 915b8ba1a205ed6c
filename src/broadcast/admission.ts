import type { Refusal } from './wire/handshake.js';

export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPerAddress: number;
  readonly maxPerKey: number;
  /** Handshakes per second that the process takes; a burst may be four seconds' worth. */
  readonly connectsPerSecond: number;
}

/** The addresses and keys that are counted; each has a connection, so both are bounded by the process's limit. */
type Counts = Map<string, number>;

/**
 * Who may come in. Asked before anything is read from the request but its headers: a flood costs one map look-up each.
 */
export class Admission {
  private readonly byAddress: Counts = new Map();
  private readonly byKey: Counts = new Map();
  private tokens: number;
  private filledMs: number;
  private open = 0;

  constructor(
    readonly limits: AdmissionLimits,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.tokens = limits.connectsPerSecond * 4;
    this.filledMs = nowMs();
  }

  get connections(): number {
    return this.open;
  }

  /** Before the key is known. */
  refuse(address: string): Refusal | undefined {
    if (!this.takeToken()) {
      return later(503, 'TOO_MANY_CONNECTS', 'Too many clients connect at once.', 1);
    }
    if (this.open >= this.limits.maxConnections) {
      return later(503, 'TOO_MANY_CONNECTIONS', 'This process has as many connections as it may.', 5);
    }
    if ((this.byAddress.get(address) ?? 0) >= this.limits.maxPerAddress) {
      return later(429, 'TOO_MANY_CONNECTIONS', 'This address has as many connections as it may.', 5);
    }
    return undefined;
  }

  refuseKey(key: string): Refusal | undefined {
    if ((this.byKey.get(key) ?? 0) < this.limits.maxPerKey) return undefined;
    return later(429, 'TOO_MANY_CONNECTIONS', 'This key has as many connections as it may.', 5);
  }

  /** Takes a place; give it back with {@link leave}. */
  enter(address: string): void {
    this.open++;
    add(this.byAddress, address, 1);
  }

  leave(address: string): void {
    this.open--;
    add(this.byAddress, address, -1);
  }

  /** A connection has shown a key. */
  enterKey(key: string): void {
    add(this.byKey, key, 1);
  }

  leaveKey(key: string): void {
    add(this.byKey, key, -1);
  }

  private takeToken(): boolean {
    const now = this.nowMs();
    const rate = this.limits.connectsPerSecond;
    this.tokens = Math.min(rate * 4, this.tokens + ((now - this.filledMs) / 1000) * rate);
    this.filledMs = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}

/** Spread, so that those sent away together do not come back together. */
const later = (status: number, code: string, detail: string, seconds: number): Refusal => ({
  status,
  code,
  detail,
  headers: { 'Retry-After': String(Math.ceil(seconds * (1 + Math.random()))) },
});

function add(counts: Counts, name: string, change: 1 | -1): void {
  const next = (counts.get(name) ?? 0) + change;
  if (next > 0) counts.set(name, next);
  else counts.delete(name);
}
