import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../src/broadcast/hub.js';
import {
  fastWriter,
  handleOf,
  handleWriter,
  ReadyTable,
  type ReadyTarget,
  type SocketWriter,
  streamWriter,
  type WriteTarget,
} from '../../../src/broadcast/wire/socket-writer.js';
import { WsServer } from '../../../src/broadcast/ws-server.js';
import { startApp } from '../../harness/index.js';
import { WsClient } from './ws-client.js';

const writers: [string, SocketWriter | undefined][] = [
  ['handle', fastWriter],
  ['stream', streamWriter],
];

describe.each(writers)('the %s writer', (_name, writer) => {
  const open: Socket[] = [];
  const pair = async (): Promise<[server: Socket, client: Socket]> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    server.close();
    socket.on('error', () => {});
    client.on('error', () => {});
    open.push(socket, client);
    return [socket, client];
  };
  class Target implements WriteTarget {
    readonly handle;
    failed: boolean | null = null;
    wake: () => void = () => {};
    constructor(readonly socket: Socket) {
      this.handle = writer === streamWriter ? null : handleOf(socket);
    }
    onWritten(failed: boolean): void {
      this.failed = failed;
      this.wake();
    }
    written(): Promise<void> {
      return new Promise((resolve) => {
        this.wake = resolve;
      });
    }
  }

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  it('carries every byte in order to a reader that pauses, and says when it may go on', async () => {
    const [socket, client] = await pair();
    const target = new Target(socket);
    const sent = createHash('sha256');
    const got = createHash('sha256');
    let received = 0;
    client.on('data', (chunk) => {
      got.update(chunk);
      received += chunk.length;
      if (Math.random() < 0.05) {
        client.pause();
        setTimeout(() => client.resume(), 2);
      }
    });
    let total = 0;
    let waits = 0;
    for (let i = 0; i < 200; i++) {
      const chunks = Array.from({ length: 1 + (i % 4) }, () =>
        randomBytes(1 + Math.floor(Math.random() * 150_000)),
      );
      for (const chunk of chunks) {
        sent.update(chunk);
        total += chunk.length;
      }
      const done =
        chunks.length === 1 ? writer!.write(target, chunks[0]!) : writer!.writeMany(target, chunks);
      if (!done) {
        waits++;
        await target.written();
        expect(target.failed).toBe(false);
      }
    }
    while (received < total) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    expect(waits).toBeGreaterThan(0);
  });

  it('reports a peer that is gone instead of throwing', async () => {
    const [socket, client] = await pair();
    const target = new Target(socket);
    client.resetAndDestroy();
    const ended = new Promise<void>((resolve) => {
      target.wake = resolve;
      socket.once('close', () => resolve());
    });
    const block = randomBytes(1_000_000);
    for (let i = 0; i < 50 && !socket.destroyed && target.failed === null; i++) {
      writer!.write(target, block);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await ended;
    expect(socket.destroyed || target.failed).toBe(true);
  });
});

describe('one buffer for many sockets', () => {
  it('goes to those that are ready, stops at one that is not, and never writes into one that waits', async () => {
    const table = new ReadyTable();
    const writer = handleWriter(table)!;
    expect(writer.name).toBe('handle');
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const sockets: Socket[] = [];
    class Target implements ReadyTarget {
      readonly handle;
      readonly slot: number;
      blockedBytes = 0;
      wake: () => void = () => {};
      constructor(readonly socket: Socket) {
        this.handle = handleOf(socket);
        this.slot = table.enter(this);
      }
      block(bytes: number): void {
        this.blockedBytes += bytes;
        table.handles[this.slot] = null;
      }
      onWritten(): void {
        table.handles[this.slot] = this.handle;
        this.wake();
      }
    }
    const open = async (): Promise<[Target, Socket, { bytes: number }]> => {
      const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
      const [socket] = (await once(listener, 'connection')) as [Socket];
      const got = { bytes: 0 };
      client.on('data', (chunk) => {
        got.bytes += chunk.length;
      });
      sockets.push(socket, client);
      return [new Target(socket), client, got];
    };
    const [first, , atFirst] = await open();
    const [slow, slowClient, atSlow] = await open();
    const [last, , atLast] = await open();
    slowClient.pause();
    const block = randomBytes(200_000);
    const slots = [first.slot, slow.slot, last.slot];
    let rounds = 0;
    for (; slow.blockedBytes === 0; rounds++) {
      expect(writer.writeEach(slots, 0, 3, block, 1)).toBe(3);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(slow.blockedBytes).toBe(block.length);
    // It waits: nothing more is written into it, whoever asks.
    expect(writer.writeEach(slots, 0, 3, block, 1)).toBe(1);
    expect(writer.writeEach(slots, 2, 3, block, 1)).toBe(3);
    expect(writer.writeEach([-1], 0, 1, block, 1)).toBe(0);
    const drained = new Promise<void>((resolve) => {
      slow.wake = resolve;
    });
    slowClient.resume();
    await drained;
    expect(writer.writeEach(slots, 1, 2, block, 1)).toBe(2);
    const whole = (rounds + 1) * block.length;
    while (atFirst.bytes < whole || atSlow.bytes < whole || atLast.bytes < whole) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([atFirst.bytes, atSlow.bytes, atLast.bytes]).toEqual([whole, whole, whole]);
    table.leave(first.slot);
    expect(writer.writeEach(slots, 0, 1, block, 1)).toBe(0);
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
});

describe('a server without the fast writer', () => {
  it('keeps the same promises: order, backpressure, 3008', async () => {
    const server = await startApp({ WS_MAX_QUEUED_BYTES: '200000' });
    const hub = server.app.get(Hub);
    const slow = await WsClient.open(`${server.wsUrl}/ws/stream`);
    const well = await WsClient.open(`${server.wsUrl}/ws/stream`);
    for (const connection of server.app.get(WsServer).connections.values()) {
      connection.useStream();
      expect(connection.writer.name).toBe('stream');
    }
    for (const client of [slow, well]) await client.subscribe('custom.plain');
    const raw = (slow.socket as unknown as { _socket: Socket })._socket;
    raw.pause();
    const [connection] = server.app.get(WsServer).connections.values();
    const pad = 'x'.repeat(4_000);
    let most = 0;
    let n = 0;
    for (; n < 20_000 && connection!.isOpen; n++) {
      await hub.publishAll([{ topic: 'custom.plain', data: { n, pad } }]);
      most = Math.max(most, connection!.queuedBytes);
    }
    expect(most).toBeLessThanOrEqual(200_000);
    raw.resume();
    expect((await slow.whenClosed()).code).toBe(3008);
    const got = await well.received(n, 10_000);
    expect(got.map((m) => m.offset)).toEqual(got.map((_, i) => i + 1));
    well.socket.terminate();
    await server.stop();
  }, 60_000);
});
