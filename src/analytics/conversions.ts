import type { ExchangeRates } from './exchange-rates.js';
import type { HeldPosition } from './holders.js';

interface Conversion {
  readonly from: string;
  readonly to: string;
  readonly dependents: HeldPosition[];
}

/** The currency conversions that positions need, by dense index, and which positions need each. */
export class Conversions {
  /** Rate of each conversion; NaN while unknown. */
  rates = new Float64Array(16).fill(Number.NaN);
  private readonly known: Conversion[] = [];
  private readonly indices = new Map<string, number>();

  constructor(private readonly source: ExchangeRates) {}

  /** @returns −1 when both are the same currency */
  index(from: string, to: string): number {
    if (from === to) return -1;
    const key = `${from}/${to}`;
    const found = this.indices.get(key);
    if (found !== undefined) return found;
    const index = this.known.length;
    if (index === this.rates.length) {
      const rates = new Float64Array(index * 2).fill(Number.NaN);
      rates.set(this.rates);
      this.rates = rates;
    }
    this.known.push({ from, to, dependents: [] });
    this.indices.set(key, index);
    this.rates[index] = this.source.rate(from, to);
    return index;
  }

  join(position: HeldPosition): void {
    const { dependents } = this.known[position.conversion]!;
    position.dependent = dependents.length;
    dependents.push(position);
  }

  leave(position: HeldPosition): void {
    const { dependents } = this.known[position.conversion]!;
    const last = dependents.pop()!;
    if (last === position) return;
    dependents[position.dependent] = last;
    last.dependent = position.dependent;
  }

  /** Source time of the newest pair in a conversion. */
  timeMs(index: number): number {
    const { from, to } = this.known[index]!;
    return this.source.quote(from, to).tsMs;
  }

  dependents(index: number): readonly HeldPosition[] {
    return this.known[index]!.dependents;
  }

  /** Takes over the rates; the conversions whose rate is another now. There are as many as pairs of currencies in use. */
  changed(): number[] {
    const changed: number[] = [];
    this.known.forEach(({ from, to }, index) => {
      const rate = this.source.rate(from, to);
      const before = this.rates[index]!;
      // Also where both are NaN.
      if (Object.is(rate, before)) return;
      this.rates[index] = rate;
      changed.push(index);
    });
    return changed;
  }
}
