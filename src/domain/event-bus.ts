import type { DomainEvents } from './events.js';

type Listener<T> = (event: T) => void;

/**
 * Synchronous, typed, in-process. Listeners run in the order they were added; one that throws is reported to
 * `onError` and harms neither the publisher nor the other listeners. There is no queue here on purpose: whoever needs
 * to defer work owns the bounded queue for it.
 */
export class EventBus {
  private readonly listeners = new Map<keyof DomainEvents, Listener<never>[]>();

  /**
   * @param onError told of a listener that threw
   * @param around runs the delivery of one event, for whoever watches it
   */
  constructor(
    private readonly onError: (name: keyof DomainEvents, error: unknown) => void = () => {},
    private readonly around?: (name: keyof DomainEvents, deliver: () => void) => void,
  ) {}

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
    const listeners = list as Listener<DomainEvents[K]>[];
    if (this.around === undefined) this.deliver(listeners, name, event);
    else this.around(name, () => this.deliver(listeners, name, event));
  }

  private deliver<K extends keyof DomainEvents>(
    list: readonly Listener<DomainEvents[K]>[],
    name: K,
    event: DomainEvents[K],
  ): void {
    for (const listener of list) {
      try {
        listener(event);
      } catch (error) {
        this.onError(name, error);
      }
    }
  }
}
