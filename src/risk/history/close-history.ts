/** Daily closes of one symbol, adjusted for splits and dividends, oldest first. */
export interface Closes {
  readonly symbol: string;
  /** Days since 1970-01-01, increasing. */
  readonly days: Int32Array;
  readonly closes: Float64Array;
}

/** Where daily closes come from; the store's bars in the server, a table in tests. */
export abstract class CloseHistory {
  /** @returns one entry per symbol that has any close; `limit` newest days */
  abstract closes(
    symbols: readonly string[],
    options: { readonly limit: number },
  ): Promise<readonly Closes[]>;
}
