import { Piscina } from 'piscina';
import { workerSource } from './worker-source.js';

/**
 * One worker thread behind the event loop in priority, started by its first task and ended after a minute without one.
 * @param name of the worker's module, without its ending, relative to `base`
 * @param base `import.meta.url` of the caller
 * @param options beyond these
 */
export const backgroundThread = (
  name: string,
  base: string,
  options: Pick<ConstructorParameters<typeof Piscina>[0] & object, 'resourceLimits'> = {},
): Piscina =>
  new Piscina({
    ...options,
    ...workerSource(name, base),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 60_000,
    niceIncrement: 5,
    // A thread that waits on the futex of its mailbox cannot be told to stop.
    atomics: 'disabled',
  });
