import type { Subscription } from './subscription.js';

/** Whether a name stands below a family: `prices.AAPL` and `prices.BRK.*` below `prices.*`. */
export const isWithin = (name: string, family: string): boolean =>
  name !== family && family.endsWith('.*') && name.startsWith(family.slice(0, -1));

/**
 * Of the subscriptions of one receiver that have a topic in common, the narrowest brings it: the topic itself, then the
 * longest family. @returns whether another one than this brings the topic
 */
export const isLeftOut = (subscription: Subscription, topic: string): boolean =>
  subscription.receiver.subscriptions.some(
    (other) =>
      isWithin(other.topic, subscription.topic) && (other.topic === topic || isWithin(topic, other.topic)),
  );
