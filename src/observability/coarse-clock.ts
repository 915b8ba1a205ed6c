/** How far the clock may lag behind, ms, while the event loop turns. */
const coarseness = 50;

let now = 0;

/**
 * Unix ms, at most {@link coarseness} (or the event loop's own delay) old. For what is sorted into seconds on hot paths,
 * where `Date.now()` would cost more than the observation itself. Begins to tick with its first reader.
 */
export function coarseNowMs(): number {
  if (now === 0) {
    now = Date.now();
    setInterval(() => {
      now = Date.now();
    }, coarseness).unref();
  }
  return now;
}
