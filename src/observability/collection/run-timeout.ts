/** An abort has other reasons as well: an error that escaped. */
export const isTimeout = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof DOMException && reason.name === 'TimeoutError';

/** @throws the abort's reason when the time is up; the work itself may go on */
export async function withTimeout(
  work: Promise<void>,
  timeoutMs: number,
  controller: AbortController,
): Promise<void> {
  const { signal } = controller;
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`the run took longer than ${timeoutMs} ms`, 'TimeoutError'));
  }, timeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      work.then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}
