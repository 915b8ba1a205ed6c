import { Problem } from '../domain/problem.js';

/** Why the risk of a portfolio is not known. Closed: what clients and metrics switch on. */
export const refusalCodes = [
  'MISSING_PRICE',
  'OUT_OF_RANGE',
  'MISSING_HISTORY',
  'SHORT_HISTORY',
  'EVICTED',
  'STARTING',
  'STATE_FAILED',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
}

/** The refusal as an answer: the request was right, the data does not allow one. */
export const refused = ({ code, reason }: Refusal): Problem => new Problem(422, code, `${reason}.`);
