import { Injectable } from '@nestjs/common';
import type { Alert } from './alert.js';

/** What the server knew at the moment an alert fired; frozen, so that it can be read after the incident. */
export interface EvidencePack {
  readonly alertId: string;
  readonly capturedAtMs: number;
  /** One section per source: its data, or why there is none. */
  readonly sections: Readonly<Record<string, EvidenceSection>>;
}

export type EvidenceSection =
  | { readonly data: unknown; readonly took_ms: number }
  | { readonly missing: string };

/** Gathers one section. Must be cheap: it runs when something is already wrong. */
export type EvidenceSource = (alert: Alert, signal: AbortSignal) => Promise<unknown> | unknown;

const timeoutMs = 2_000;
/** Larger sections are refused: a pack is for reading. */
const maxSectionBytes = 256 * 1024;

/**
 * Sources register themselves by name, from any stage: the alerting knows none of them. One that fails or is late leaves
 * a section that says so.
 */
@Injectable()
export class Evidence {
  private readonly sources = new Map<string, EvidenceSource>();

  register(name: string, source: EvidenceSource): void {
    this.sources.set(name, source);
  }

  async capture(alert: Alert, nowMs: number): Promise<EvidencePack> {
    const sections = await Promise.all(
      [...this.sources].map(async ([name, source]) => [name, await section(source, alert)] as const),
    );
    return { alertId: alert.id, capturedAtMs: nowMs, sections: Object.fromEntries(sections) };
  }
}

async function section(source: EvidenceSource, alert: Alert): Promise<EvidenceSection> {
  const started = performance.now();
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const data = await Promise.race([source(alert, signal), late(signal)]);
    const size = JSON.stringify(data ?? null).length;
    if (size > maxSectionBytes)
      return { missing: `${size} bytes, more than the ${maxSectionBytes} a section may have` };
    return { data: data ?? null, took_ms: Math.round(performance.now() - started) };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)), {
      once: true,
    });
  });
}
