/** One trade or quote of one instrument, as accepted at the door. */
export interface Tick {
  /** Instrument, 1–32 characters of `[A-Za-z0-9._:/-]`. */
  readonly symbol: string;
  /** When it happened at the source: Unix time in milliseconds, UTC; fractions carry microseconds. */
  readonly tsMs: number;
  /** In the instrument's currency; finite and > 0. */
  readonly price: number;
  /** Units traded, finite and ≥ 0; `null` when the source does not say. */
  readonly size: number | null;
  /** The source's own identity of this tick; what duplicates are recognised by. `null`: never a duplicate. */
  readonly sourceId: string | null;
}

/** A tick that is durable. */
export interface StoredTick extends Tick {
  /**
   * Position in the one total order of everything that moves portfolio values (ticks and position changes alike).
   * Strictly increasing, holes allowed. Applying the store in `seq` order reproduces the live engine's state.
   */
  readonly seq: number;
}

/** A batch of ticks after its commit, with the hop stamps (Unix ms) that make the age of the truth measurable. */
export interface StoredTicks {
  readonly ticks: readonly StoredTick[];
  /** When the first byte of the batch was accepted. */
  readonly ingestedAtMs: number;
  /** When the database confirmed the commit. */
  readonly storedAtMs: number;
}
