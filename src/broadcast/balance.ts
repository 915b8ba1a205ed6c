import type { NodeStatus } from './node-registry.js';

/** A node is asked to give clients away above this multiple of the average. */
const overload = 1.2;
/** Fewer are not worth a reconnect. */
const leastExcess = 5;
/** Share of the other nodes' measured handshake capacity that moving clients may take. */
const capacityShare = 0.25;
const leastWindowMs = 1_000;
const mostWindowMs = 60_000;

/** Clients to send away, and the window over which they come back elsewhere. */
export interface Move {
  readonly clients: number;
  readonly windowMs: number;
}

/**
 * How many clients a node should send to the others now: those above the average, when it is more than a fifth above
 * it. The window is as long as the others need, at a quarter of the handshakes per second that they have shown to take.
 */
export function planMove(ownId: string, nodes: readonly NodeStatus[]): Move | undefined {
  const own = nodes.find((node) => node.id === ownId);
  if (own === undefined || nodes.length < 2) return undefined;
  const average = nodes.reduce((total, node) => total + node.connections, 0) / nodes.length;
  const clients = own.connections - Math.ceil(average);
  if (own.connections <= average * overload || clients < leastExcess) return undefined;
  return { clients, windowMs: returnWindowMs(clients, ownId, nodes) };
}

/** How long the other nodes need to take that many clients, ms; a second when there is no other. */
export function returnWindowMs(clients: number, ownId: string, nodes: readonly NodeStatus[]): number {
  const capacity = nodes
    .filter((node) => node.id !== ownId)
    .reduce((total, node) => total + node.handshakesPerSecond, 0);
  if (capacity === 0) return leastWindowMs;
  const windowMs = (clients / (capacity * capacityShare)) * 1_000;
  return Math.min(mostWindowMs, Math.max(leastWindowMs, windowMs));
}

/** After clients were sent away, the numbers need this long to settle, ms. */
const settleMs = 5_000;
const mostRestMs = 600_000;

/**
 * When clients may be sent away again. Those that know only one address come back to it: where a move has not helped,
 * the next one waits four times as long, up to ten minutes.
 */
export class MovePace {
  private restMs = settleMs;
  private untilMs = 0;
  private last: { readonly clients: number; readonly connections: number } | null = null;

  /** @returns whether a move may begin now */
  isDue(nowMs: number): boolean {
    return nowMs >= this.untilMs;
  }

  /** A move begins. @param connections of this node before it */
  begin({ clients, windowMs }: Move, connections: number, nowMs: number): void {
    const hasHelped = this.last === null || connections <= this.last.connections - this.last.clients / 2;
    this.restMs = hasHelped ? settleMs : Math.min(mostRestMs, this.restMs * 4);
    this.last = { clients, connections };
    // They are told over the window, and are back within as much.
    this.untilMs = nowMs + 2 * windowMs + this.restMs;
  }

  /** There is nothing to move. */
  settled(): void {
    this.last = null;
  }
}
