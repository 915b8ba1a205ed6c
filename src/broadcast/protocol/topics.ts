/** Who may see a topic: everybody with `read`, or those who may see the portfolio. */
export interface TopicName {
  readonly kind: 'topic' | 'family';
  /** Set for topics of one portfolio. */
  readonly portfolioId: string | null;
  /** A family of portfolio topics: for those who may see every portfolio. */
  readonly everyPortfolio: boolean;
}

const portfolioTopics = ['analytics', 'risk', 'limits'] as const;
const portfolioId = /^[A-Za-z0-9_.-]{1,64}$/;
const symbol = /^[A-Za-z0-9._:/-]{1,32}$/;
const customName = /^[A-Za-z0-9_.:/-]{1,120}$/;
const single: readonly string[] = ['alerts', 'system'];

/**
 * What a topic name means; `undefined` when there can be no such topic. A family ends in `.*` and stands for every topic
 * below it.
 */
export function parseTopic(name: string): TopicName | undefined {
  if (single.includes(name)) return { kind: 'topic', portfolioId: null, everyPortfolio: false };
  const dot = name.indexOf('.');
  if (dot < 0 || name.length > 128) return undefined;
  const root = name.slice(0, dot);
  const rest = name.slice(dot + 1);
  const isFamily = rest === '*' || rest.endsWith('.*');
  const body = isFamily ? rest.slice(0, -2) : rest;
  const ofPortfolio = (portfolioTopics as readonly string[]).includes(root);
  const pattern = ofPortfolio
    ? portfolioId
    : root === 'prices'
      ? symbol
      : root === 'custom'
        ? customName
        : undefined;
  if (pattern === undefined) return undefined;
  if (isFamily ? body !== '' && !pattern.test(body) : !pattern.test(body)) return undefined;
  return {
    kind: isFamily ? 'family' : 'topic',
    portfolioId: ofPortfolio && !isFamily ? rest : null,
    everyPortfolio: ofPortfolio && isFamily,
  };
}

/** The messages of the topic are changes: what is true now is more than the last of them. */
export const carriesChanges = (name: string): boolean => name.startsWith('limits.');

/** What is true now takes too long to find out for thousands of them in one answer. */
export const isCostlyToAsk = (name: string): boolean => name.startsWith('analytics.');

/** Topics that anyone with the scope may publish through the API. */
export const isCustomTopic = (name: string): boolean =>
  name.startsWith('custom.') && parseTopic(name)?.kind === 'topic';

/** The families that a topic belongs to: one per dot. `prices.BRK.B` → `prices.*`, `prices.BRK.*`. */
export function familiesOf(topic: string): string[] {
  const out: string[] = [];
  for (let dot = topic.indexOf('.'); dot >= 0; dot = topic.indexOf('.', dot + 1)) {
    out.push(`${topic.slice(0, dot)}.*`);
  }
  return out;
}

/** Kept for resuming from the first message on, subscriber or not: events that must not be lost, and what users publish. */
export const isAlwaysRetained = (topic: string): boolean =>
  topic === 'alerts' || topic.startsWith('limits.') || topic.startsWith('custom.');
