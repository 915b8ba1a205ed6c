import { type ComputeAnswer, runComputeTask } from './compute-task.js';
import { type ReadBody, readComputeBody } from './read-compute-body.js';

export type WorkerAnswer = { readonly answer: ComputeAnswer } | Exclude<ReadBody, { task: unknown }>;

/** Entry of a worker thread: parses, validates and computes; what is wrong with the body travels back as data. */
export default function run(body: Uint8Array): WorkerAnswer {
  const read = readComputeBody(body);
  return 'task' in read ? { answer: runComputeTask(read.task) } : read;
}
