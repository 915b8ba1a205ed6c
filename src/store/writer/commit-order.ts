/** A place in the order of commits; settled exactly once. */
export interface CommitTicket {
  /** First of the numbers that belong to it. */
  readonly firstSeq: number;
  /** Durable: `announce` runs when everything before it is settled. @returns after it has run */
  committed(announce: () => void): Promise<void>;
  /** Will never be durable; its numbers become a hole. */
  abandoned(): void;
}

interface Place {
  announce: (() => void) | null | undefined;
  resolve: (() => void) | undefined;
}

/**
 * Several connections commit at once and finish in any order; the news of what they stored must not. Tickets are opened
 * in `seq` order and announced in that order, each as soon as all earlier ones are settled.
 */
export class CommitOrder {
  private readonly places: Place[] = [];

  constructor(private readonly onError: (error: unknown) => void = () => undefined) {}

  ticket(firstSeq: number): CommitTicket {
    const place: Place = { announce: undefined, resolve: undefined };
    this.places.push(place);
    return {
      firstSeq,
      committed: (announce) =>
        new Promise((resolve) => {
          place.announce = announce;
          place.resolve = resolve;
          this.advance();
        }),
      abandoned: () => {
        place.announce = null;
        this.advance();
      },
    };
  }

  private advance(): void {
    while (this.places.length > 0) {
      const first = this.places[0] as Place;
      if (first.announce === undefined) return;
      this.places.shift();
      try {
        first.announce?.();
      } catch (error) {
        this.onError(error);
      }
      first.resolve?.();
    }
  }
}
