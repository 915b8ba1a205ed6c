import { maySee, mayUse, type Principal } from '../access/principal.js';
import type { TopicName } from './protocol/topics.js';

/** Whether a key may follow a topic: scope `read`, and the portfolio among those that it may see. */
export function mayFollow(principal: Principal, name: TopicName): boolean {
  if (!mayUse(principal, 'read')) return false;
  if (name.everyPortfolio) return principal.portfolios === null;
  return name.portfolioId === null || maySee(principal, name.portfolioId);
}
