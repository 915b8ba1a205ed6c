import type { Lane } from './lane.js';

/** The lanes of one topic or family on this process. */
export class Audience {
  readonly lanes = new Map<string, Lane>();
  /** The same, as a list to walk on the hot path. */
  list: readonly Lane[] = [];

  constructor(readonly name: string) {}

  get size(): number {
    let total = 0;
    for (const lane of this.list) total += lane.size;
    return total;
  }

  add(key: string, lane: Lane): void {
    this.lanes.set(key, lane);
    this.list = [...this.lanes.values()];
  }

  delete(key: string): void {
    this.lanes.delete(key);
    this.list = [...this.lanes.values()];
  }
}
