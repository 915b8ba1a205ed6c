import { describe, expect, it } from '@jest/globals';
import { MovePace, planMove } from './balance.js';
import { NodeRegistry, type NodeStatus } from './node-registry.js';

const node = (id: string, connections: number, handshakesPerSecond = 1_000): NodeStatus => ({
  id,
  url: `ws://${id}`,
  startedMs: 0,
  connections,
  handshakesPerSecond,
  deliveriesPerSecond: 0,
  eventLoop: 0,
  atMs: 1,
});

describe('MovePace', () => {
  const move = { clients: 50, windowMs: 1_000 };
  /** How long after each move the next one may begin, when this node has so many connections before each. */
  const pauses = (...connections: number[]) => {
    const pace = new MovePace();
    let now = 0;
    return connections.map((count) => {
      const begun = now;
      pace.begin(move, count, now);
      while (!pace.isDue(now)) now += 100;
      return now - begun;
    });
  };

  it('waits for the numbers to settle, and longer and longer where clients come back to the same node', () => {
    expect(pauses(100, 50, 20)).toEqual([7_000, 7_000, 7_000]);
    expect(pauses(100, 100, 90, 100, 100, 100)).toEqual([7_000, 22_000, 82_000, 322_000, 602_000, 602_000]);
    // It helps again: they are moved as before.
    expect(pauses(100, 100, 50)).toEqual([7_000, 22_000, 7_000]);
  });

  it('begins anew once there was nothing to move', () => {
    const pace = new MovePace();
    pace.begin(move, 100, 0);
    pace.settled();
    pace.begin(move, 100, 100_000);
    expect(pace.isDue(107_000)).toBe(true);
  });
});

describe('planMove', () => {
  it('moves what is above the average once a node is more than a fifth above it', () => {
    expect(planMove('a', [node('a', 120), node('b', 80)])).toBeUndefined();
    expect(planMove('a', [node('a', 121), node('b', 79)])).toMatchObject({ clients: 21 });
    expect(planMove('b', [node('a', 121), node('b', 79)])).toBeUndefined();
    expect(planMove('a', [node('a', 3_000), node('b', 0), node('c', 0)])).toMatchObject({ clients: 2_000 });
  });

  it('takes the time that the others need for it', () => {
    const at = (handshakes: number) =>
      planMove('a', [node('a', 3_000), node('b', 0, handshakes), node('c', 0, handshakes)])?.windowMs;
    expect(at(1_000)).toBe(4_000);
    expect(at(100)).toBe(40_000);
    expect(at(100_000)).toBe(1_000);
    expect(at(1)).toBe(60_000);
  });

  it('leaves a lone node, a handful of clients and an unknown node alone', () => {
    expect(planMove('a', [node('a', 1_000)])).toBeUndefined();
    expect(planMove('a', [node('a', 4), node('b', 0)])).toBeUndefined();
    expect(planMove('x', [node('a', 1_000), node('b', 0)])).toBeUndefined();
  });
});

describe('NodeRegistry', () => {
  it('spreads clients that ask between two heartbeats', async () => {
    const others = [node('b', 10), node('c', 12)];
    const registry = new NodeRegistry(
      { exchange: (own) => Promise.resolve([own, ...others]), leave: () => Promise.resolve() },
      (id) => node(id, 10),
      () => {},
    );
    await registry.beat();
    const asked = Array.from({ length: 40 }, () => registry.leastLoaded()?.id);
    const count = (id: string) => asked.filter((x) => x === id).length;
    expect([count(registry.id), count('b'), count('c')]).toEqual([14, 14, 12]);
  });

  it('knows of itself only while nobody answers, and of nobody once it has left', async () => {
    const heard: number[] = [];
    let fails = false;
    const registry = new NodeRegistry(
      {
        exchange: (own) => (fails ? Promise.reject(new Error('away')) : Promise.resolve([own, node('b', 0)])),
        leave: () => Promise.reject(new Error('away')),
      },
      (id) => node(id, 1),
      (nodes) => heard.push(nodes.length),
    );
    await registry.beat();
    expect(registry.nodes.map(({ id }) => id)).toEqual([registry.id, 'b']);
    fails = true;
    await registry.beat();
    expect(registry.nodes.map(({ id }) => id)).toEqual([registry.id]);
    expect(heard).toEqual([2]);
    await registry.leave();
    expect(registry.leastLoaded()).toBeUndefined();
  });
});
