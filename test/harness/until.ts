import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until there is an answer.
 * @returns the first that is not `undefined`
 * @throws Error when there is none in time
 */
export async function until<T>(probe: () => Promise<T | undefined>, limitMs = 10_000): Promise<T> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) {
    const answer = await probe();
    if (answer !== undefined) return answer;
  }
  throw new Error(`it did not happen within ${limitMs / 1000} s`);
}
