import { applyMergePatch } from './merge-patch.js';
import type { PublicationMessage } from './messages.js';

/**
 * The newest whole data of each topic, which patches apply to. One for all subscriptions of a client: where two overlap,
 * the server sends a message once.
 */
export class WholeData {
  private readonly byTopic = new Map<string, { readonly offset: number; readonly data: unknown }>();

  remember(topic: string, offset: number, data: unknown): void {
    this.byTopic.set(topic, { offset, data });
  }

  forget(topic: string): void {
    this.byTopic.delete(topic);
  }

  /**
   * @param keep whether a later patch may apply to it
   * @returns `undefined` for a patch on something that is not there
   */
  of(message: PublicationMessage, keep: boolean): unknown {
    const { topic, offset } = message;
    let { data } = message;
    if ('patch' in message) {
      const base = this.byTopic.get(topic);
      if (base?.offset !== message.base) return undefined;
      data = applyMergePatch(base?.data, message.patch);
    }
    if (keep) this.remember(topic, offset, data);
    return data;
  }
}
