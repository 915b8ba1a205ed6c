import type { DomainEvents } from './events.js';

type Listener<T> = (event: T) => void;

/**
 * Synchronous, typed, in-process. Listeners run in the order they were added; one that throws is reported to
 * `onError` and harms neither the publisher nor the other listeners. There is no queue here on purpose: whoever needs
 * to defer work owns the bounded queue for it.
 */
export class EventBus {
  private readonly listeners = new Map<keyof DomainEvents, Listener<never>[]>();

  constructor(private readonly onError: (name: keyof DomainEvents, error: unknown) => void = () => {}) {}

  /** @returns a function that removes the listener */
  on<K extends keyof DomainEvents>(name: K, listener: Listener<DomainEvents[K]>): () => void {
    const list = this.listeners.get(name) ?? [];
    // A new array per change: a listener may be added or removed while an event is being delivered.
    this.listeners.set(name, [...list, listener as Listener<never>]);
    return () => {
      const now = this.listeners.get(name) ?? [];
      this.listeners.set(
        name,
        now.filter((l) => l !== listener),
      );
    };
  }

  emit<K extends keyof DomainEvents>(name: K, event: DomainEvents[K]): void {
    const list = this.listeners.get(name);
    if (list === undefined) return;
    for (const listener of list) {
      try {
        (listener as Listener<DomainEvents[K]>)(event);
      } catch (error) {
        this.onError(name, error);
      }
    }
  }
}
