import { type EmpiricalTailOptions, type Tail, tailOfSmallest, tailRank } from './empirical-tail.js';
import { rankStandardError } from './quantile-standard-error.js';
import { selectSmallest } from './select-smallest.js';
import { tailProbability } from './tail-probability.js';

/**
 * VaR and expected shortfall of a P&L vector that moves a little at a time. It remembers a bound somewhat above the
 * last quantile: the next call gathers what lies at or below it in one pass and selects among those few; only when
 * too few or too many are found does it select from all. VaR is that of `empiricalTail` bit for bit; the shortfall
 * differs by the rounding of its sum.
 *
 * @example const tracker = new TailTracker(pnl.length, 0.99); tracker.tail(pnl).var
 */
export class TailTracker {
  /** Selections from the whole vector since the start: what the bound did not save. */
  fullSelections = 0;
  private readonly rank: number;
  private readonly wanted: number;
  private readonly buffer: Float64Array;
  private readonly scenarios: number;
  private readonly confidence: number;
  private readonly options: EmpiricalTailOptions;
  private bound = Number.NaN;
  private gathered = 0;

  /**
   * @param scenarios length of the vectors to come
   * @param buffer scratch of at least that length; trackers that are not used at the same time may share one
   * @throws RangeError on no scenarios or confidence outside (0, 1)
   */
  constructor(
    scenarios: number,
    confidence: number,
    options: EmpiricalTailOptions = {},
    buffer: Float64Array = new Float64Array(scenarios),
  ) {
    this.scenarios = scenarios;
    this.confidence = confidence;
    this.options = options;
    this.rank = tailRank(scenarios, confidence, options.quantileType);
    this.wanted = Math.min(scenarios - 1, this.rank + 8 + Math.ceil(this.rank / 2));
    if (buffer.length < scenarios)
      throw new RangeError(`scratch of ${buffer.length} for ${scenarios} scenarios`);
    this.buffer = buffer;
  }

  /** @param pnl finite, `scenarios` long; not changed */
  tail(pnl: Float64Array): Tail {
    const { buffer } = this;
    let count = this.gather(pnl);
    if (count <= this.rank || count > 4 * (this.wanted + 1)) {
      this.fullSelections++;
      buffer.set(pnl);
      this.bound = selectSmallest(buffer, this.wanted, 0, this.scenarios - 1);
      count = this.gather(pnl);
    }
    this.gathered = count;
    const tail = tailOfSmallest(buffer, count, this.scenarios, this.confidence, this.options);
    // Keep the bound in the middle of its tolerance while the vector drifts.
    if (count < this.rank + 4 || count > 2 * (this.wanted + 1)) {
      this.bound = selectSmallest(buffer, Math.min(this.wanted, count - 1), 0, count - 1);
      if (count <= this.wanted) this.bound += Math.abs(tail.var) * 0.02;
    }
    return tail;
  }

  /**
   * Standard error of the last VaR as that of a simulation, from the values that were gathered for it: see
   * `quantileStandardError`. To be asked before another tracker uses the same buffer.
   *
   * @returns `null` where too few values lie beyond the quantile
   */
  standardError(): number | null {
    const { scenarios, buffer, gathered } = this;
    const alpha = tailProbability(this.confidence);
    const spread = Math.sqrt(scenarios * alpha * (1 - alpha));
    return rankStandardError(buffer.subarray(0, gathered), Math.floor(scenarios * alpha), spread);
  }

  /** Copies every value up to the bound to the front of the buffer. */
  private gather(pnl: Float64Array): number {
    const { buffer, bound, scenarios } = this;
    let count = 0;
    for (let i = 0; i < scenarios; i++) {
      const v = pnl[i]!;
      if (v <= bound) buffer[count++] = v;
    }
    return count;
  }
}
