import type { LivePaths, LivePortfolio } from './live-portfolio.js';

export interface Eviction {
  readonly id: string;
  readonly part: 'portfolios' | 'paths';
}

/**
 * Keeps the incremental states within their memory. Paths go first, from the portfolio that was used longest ago;
 * then whole states, likewise.
 */
export class StateBudget {
  /** In order of use: the first was used longest ago. */
  private readonly states = new Map<string, LivePortfolio>();
  private portfolios = 0;
  private paths = 0;

  /** @param shared bytes of what states share, counted once */
  constructor(
    private readonly maxBytes: number,
    private readonly shared: () => number,
  ) {}

  bytes(): { readonly panels: number; readonly portfolios: number; readonly paths: number } {
    return { panels: this.shared(), portfolios: this.portfolios, paths: this.paths };
  }

  /** Whether this much more fits without dropping anything. */
  hasRoom(bytes: number): boolean {
    return this.total() + bytes <= this.maxBytes;
  }

  /**
   * Counts a state. @returns what has to go for it: paths are dropped already, states are the caller's to discard
   */
  add(id: string, state: LivePortfolio): readonly Eviction[] {
    this.remove(id);
    this.states.set(id, state);
    this.portfolios += state.bytes;
    this.paths += state.pathBytes;
    return this.trim();
  }

  touch(id: string): void {
    const state = this.states.get(id);
    if (!state) return;
    this.states.delete(id);
    this.states.set(id, state);
  }

  /** Gives a counted state its paths, or takes them. */
  setPaths(id: string, state: LivePortfolio, paths: LivePaths | null): void {
    if (this.states.get(id) !== state) return;
    this.paths -= state.pathBytes;
    state.setPaths(paths);
    this.paths += state.pathBytes;
  }

  remove(id: string): void {
    const state = this.states.get(id);
    if (!state) return;
    this.states.delete(id);
    this.portfolios -= state.bytes;
    this.paths -= state.pathBytes;
  }

  private total(): number {
    return this.shared() + this.portfolios + this.paths;
  }

  private trim(): Eviction[] {
    const out: Eviction[] = [];
    for (const [id, state] of this.states) {
      if (this.total() <= this.maxBytes) return out;
      if (state.pathBytes === 0) continue;
      this.setPaths(id, state, null);
      out.push({ id, part: 'paths' });
    }
    for (const id of this.states.keys()) {
      if (this.total() <= this.maxBytes) break;
      this.remove(id);
      out.push({ id, part: 'portfolios' });
    }
    return out;
  }
}
