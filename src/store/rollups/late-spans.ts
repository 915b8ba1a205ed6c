const minuteMs = 60_000;
/** Minutes this close belong to one span: recomputing those between costs less than another mark. */
const joinWithinMinutes = 60;

/** A half-open span of whole minutes of one portfolio, Unix ms. */
export interface LateSpan {
  readonly portfolioId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The minutes that rows touch, by portfolio, as few spans. */
export function spansOf(
  rows: readonly { readonly portfolioId: string; readonly tsMs: number }[],
): LateSpan[] {
  const minutes = new Map<string, number[]>();
  for (const { portfolioId, tsMs } of rows) {
    const minute = Math.floor(tsMs / minuteMs);
    const known = minutes.get(portfolioId);
    if (known === undefined) minutes.set(portfolioId, [minute]);
    else if (known[known.length - 1] !== minute) known.push(minute);
  }
  const spans: LateSpan[] = [];
  for (const [portfolioId, list] of minutes) {
    list.sort((a, b) => a - b);
    let from = list[0] as number;
    let last = from;
    const close = (): void => {
      spans.push({ portfolioId, fromMs: from * minuteMs, toMs: (last + 1) * minuteMs });
    };
    for (const minute of list) {
      if (minute - last > joinWithinMinutes) {
        close();
        from = minute;
      }
      last = minute;
    }
    close();
  }
  return spans;
}
