import { availableParallelism } from 'node:os';

/** Threads that V8 starts beside the event loop however few cores there are. */
const v8Threads = 4;

/**
 * Options of Node that a server is started with.
 * @param cores of the machine
 */
export const nodeOptions = (cores = availableParallelism()): readonly string[] => [
  // They collect garbage, in parallel and often: on two cores, four of them take the time of the database, which every tick
  // waits for, and of the event loop itself.
  `--v8-pool-size=${Math.max(1, Math.min(v8Threads, cores - 1))}`,
  // Twice the usual: more of what a message is made of is garbage before it would be copied. A larger one pauses for longer.
  '--max-semi-space-size=32',
  // V8 would learn, from the first seconds in which messages had to wait, to make every later one where only a collection
  // of the whole heap finds it: tens of MB a second that are garbage within milliseconds.
  '--no-allocation-site-pretenuring',
];
