import { availableParallelism, totalmem } from 'node:os';

/** Threads that V8 starts beside the event loop however few cores there are. */
const v8Threads = 4;

/** Ten thousand portfolios that are ticking live in half of this, MB. */
const roomyHeapMb = 384;
/** No more than this part of the memory that there is. */
const roomyShare = 1 / 8;

/** Memory that this process may have, bytes: the machine's, or its container's. */
const availableMemory = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

/**
 * Options of Node that a server is started with.
 * @param cores of the machine
 * @param memory that the server may have, bytes
 */
export const nodeOptions = (
  cores = availableParallelism(),
  memory = availableMemory(),
): readonly string[] => [
  // They collect garbage, in parallel and often: on two cores, four of them take the time of the database, which every tick
  // waits for, and of the event loop itself.
  `--v8-pool-size=${Math.max(1, Math.min(v8Threads, cores - 1))}`,
  // Twice the usual: more of what a message is made of is garbage before it would be copied. A larger one pauses for longer.
  '--max-semi-space-size=32',
  // V8 would learn, from the first seconds in which messages had to wait, to make every later one where only a collection
  // of the whole heap finds it: tens of MB a second that are garbage within milliseconds.
  '--no-allocation-site-pretenuring',
  // Below this V8 does not collect the whole heap for its size alone; it would each time that a few tens of MB have come, every few
  // seconds, and for a quarter of a second every tick would wait longer.
  `--initial-heap-size=${Math.max(32, Math.min(roomyHeapMb, Math.floor((memory * roomyShare) / 2 ** 20)))}`,
];
