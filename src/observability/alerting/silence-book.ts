import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { conflict, notFound } from '../../domain/problem.js';
import type { Alert, Silence } from './alert.js';
import { AlertStore } from './alert-store.js';
import { isActive, silenceOf } from './silences.js';

/** Ended ones stay visible for a while: who silenced what is part of an incident's story. */
const keepEndedMs = 7 * 86_400_000;
const maxHeld = 1_000;

/**
 * Silences and maintenance windows. They live in the store and are shared by all processes; each keeps a copy and reads
 * it again every few seconds. Making one without the store is refused: it would be forgotten by a restart.
 */
@Injectable()
export class SilenceBook {
  private readonly held = new Map<string, Silence>();

  constructor(private readonly store: AlertStore) {}

  list(kind: Silence['kind']): readonly Silence[] {
    return [...this.held.values()]
      .filter((s) => s.kind === kind)
      .sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** The one that keeps this alert quiet now. */
  of(alert: Alert, nowMs = Date.now()): Silence | null {
    return silenceOf(alert, this.held.values(), nowMs);
  }

  active(kind: Silence['kind'], nowMs = Date.now()): number {
    return this.list(kind).filter((silence) => isActive(silence, nowMs)).length;
  }

  async add(silence: Omit<Silence, 'id' | 'createdAtMs' | 'endedAtMs'>): Promise<Silence> {
    if (this.held.size >= maxHeld) {
      throw conflict('TOO_MANY_SILENCES', `There are ${maxHeld} silences already; end some of them first.`);
    }
    const made = { ...silence, id: randomUUID(), createdAtMs: Date.now(), endedAtMs: null };
    await this.store.saveSilence(made);
    this.held.set(made.id, made);
    return made;
  }

  /** Ends one before its time. Ending one that has ended changes nothing. */
  async end(kind: Silence['kind'], id: string): Promise<Silence> {
    const known = this.held.get(id);
    if (known?.kind !== kind) throw notFound(kind === 'silence' ? 'silence' : 'maintenance window', id);
    const now = Date.now();
    if (known.endedAtMs !== null || known.endsAtMs <= now) return known;
    const ended = { ...known, endedAtMs: now };
    await this.store.saveSilence(ended);
    this.held.set(id, ended);
    return ended;
  }

  /** Reads them again from the store. */
  async refresh(nowMs = Date.now()): Promise<void> {
    const stored = await this.store.silences(nowMs - keepEndedMs);
    this.held.clear();
    for (const silence of stored) this.held.set(silence.id, silence);
  }
}
