import { type Problem, unavailable } from '../domain/problem.js';
import { errorCode, isConnectionLoss } from './writer/sqlstate.js';

/**
 * The answer to a client for an error of the database that is not the client's and passes by itself.
 * @returns the error itself when it is none of these
 */
export function asProblem(error: unknown): Problem | unknown {
  if (/timeout exceeded when trying to connect/.test(String(error))) {
    return unavailable('POOL_EXHAUSTED', 'No database connection became free in time.', 1);
  }
  if (isConnectionLoss(error)) return unavailable('DATABASE_UNAVAILABLE', 'The database does not answer.', 2);
  const code = errorCode(error);
  if (code === '57014') return unavailable('QUERY_TIMEOUT', 'The query took longer than it may.', 5);
  if (code?.startsWith('53')) return unavailable('DATABASE_UNAVAILABLE', 'The database is overloaded.', 5);
  return error;
}
