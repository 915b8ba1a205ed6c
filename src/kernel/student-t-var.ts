import { studentTTail } from './student-t-tail.js';

/** Value at risk under Student's t scaled to the variance; see {@link studentTTail} for everything about it. */
export function studentTVar(
  mean: number,
  standardDeviation: number,
  degreesOfFreedom: number,
  confidence: number,
  horizonDays = 1,
): number {
  return studentTTail(mean, standardDeviation, degreesOfFreedom, confidence, horizonDays).var;
}
