import { MemoryBroker } from '../../src/broadcast/broker/memory.broker.js';
import { brokerContract, history, Node } from './broker.contract.js';

brokerContract('memory', async () => {
  const nodes: Node[] = [];
  return {
    manyNodes: false,
    async node(options) {
      const node = await new Node(new MemoryBroker(history(options))).start();
      nodes.push(node);
      return node;
    },
    async end() {
      for (const node of nodes) await node.broker.stop();
    },
  };
});
