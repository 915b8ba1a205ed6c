import { Controller, Get } from '@nestjs/common';
import { unavailable } from '../domain/problem.js';
import { Broker } from './broker/broker.js';
import type { NodeStatus } from './node-registry.js';
import { NodesService } from './nodes.service.js';

@Controller('api/v1')
export class NodesController {
  constructor(
    private readonly nodes: NodesService,
    private readonly broker: Broker,
  ) {}

  /** The nodes that share their topics, and their load. */
  @Get('ops/nodes')
  list() {
    const now = Date.now();
    const { registry } = this.nodes;
    return {
      as_of: new Date(now).toISOString(),
      data_age_ms: registry.ageMs(now),
      ...(registry.ageMs(now) === null ? { reason: 'the nodes have not been heard of yet' } : {}),
      this_node: registry.id,
      broker: { kind: this.broker.kind, status: this.broker.state },
      items: registry.nodes.map(view),
    };
  }

  /** Where a client should connect now: the node with the fewest clients. */
  @Get('ws/endpoint')
  endpoint() {
    const now = Date.now();
    const node = this.nodes.registry.leastLoaded();
    if (node === undefined) throw unavailable('NO_NODE', 'No node takes clients now.');
    return {
      url: node.url,
      node_id: node.id,
      connections: node.connections,
      as_of: new Date(node.atMs).toISOString(),
      data_age_ms: Math.max(0, now - node.atMs),
    };
  }
}

const view = (node: NodeStatus) => ({
  id: node.id,
  url: node.url,
  started_at: new Date(node.startedMs).toISOString(),
  connections: node.connections,
  handshakes_per_second: node.handshakesPerSecond,
  deliveries_per_second: node.deliveriesPerSecond,
  event_loop_utilisation: node.eventLoop,
  as_of: new Date(node.atMs).toISOString(),
});
