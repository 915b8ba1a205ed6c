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
