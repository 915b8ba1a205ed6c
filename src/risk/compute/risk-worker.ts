import { type RiskTask, runRiskTask } from './risk-task.js';

/**
 * Entry of a worker thread. Errors that are the input's fault travel back as values: their class does not survive
 * cloning.
 */
export default function run(task: RiskTask): { result: unknown } | { refusal: string } {
  try {
    return { result: runRiskTask(task) };
  } catch (error) {
    if (error instanceof RangeError) return { refusal: error.message };
    throw error;
  }
}
