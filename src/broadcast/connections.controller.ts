import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { notFound, Problem } from '../domain/problem.js';
import { type Client, clientView, lagMs } from './client-view.js';
import { EventStreams } from './event-streams.js';
import { Hub } from './hub.js';
import { closeCode } from './protocol/close-codes.js';
import { type Session, WsServer } from './ws-server.js';

const connectionId = z.coerce.number().int().min(1);

const listSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.coerce.number().int().min(0).default(0),
  topic: z.string().min(1).max(128).optional(),
  key: z.string().min(1).max(64).optional(),
  min_lag_ms: z.coerce.number().int().min(0).optional(),
});

const disconnectSchema = z
  .strictObject({
    key: z.string().min(1).max(64).optional(),
    address: z.string().min(1).max(64).optional(),
  })
  .refine(({ key, address }) => key !== undefined || address !== undefined, 'needs key or address');

const topicsSchema = z.strictObject({
  prefix: z.string().max(128).default(''),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

interface Listed {
  readonly client: Client;
  /** Id of its API key. */
  readonly key: string | null;
}

/** The live clients of this process: WebSockets and event streams. */
@Controller('api/v1/ops')
export class ConnectionsController {
  constructor(
    private readonly server: WsServer,
    private readonly streams: EventStreams,
    private readonly hub: Hub,
  ) {}

  /** Oldest first. `lag_*` is what waits for the client; `dropped` what a conflating policy left out for it. */
  @Get('connections')
  list(@Query({ schema: listSchema }) query: z.output<typeof listSchema>) {
    const now = Date.now();
    const items: ReturnType<typeof clientView>[] = [];
    let next: number | null = null;
    for (const { client, key } of this.clients()) {
      if (client.id <= query.cursor || !fits(client, key, query, now)) continue;
      if (items.length === query.limit) {
        next = items.at(-1)?.id ?? null;
        break;
      }
      items.push(clientView(client, key, now));
    }
    return {
      as_of: new Date(now).toISOString(),
      data_age_ms: 0,
      total: this.server.connections.size + this.streams.size,
      event_streams: this.streams.size,
      items,
      next_cursor: next,
    };
  }

  /** Connections and event streams by age: both are kept in the order of their ids. */
  private *clients(): Iterable<Listed> {
    const sockets = socketsOf(this.server)[Symbol.iterator]();
    let socket = sockets.next();
    for (const stream of this.streams.list()) {
      while (!socket.done && socket.value.client.id < stream.client.id) {
        yield socket.value;
        socket = sockets.next();
      }
      yield stream;
    }
    while (!socket.done) {
      yield socket.value;
      socket = sockets.next();
    }
  }

  @Get('connections/:id')
  read(@Param('id', { schema: connectionId }) id: number) {
    for (const { client, key } of this.clients()) {
      if (client.id !== id) continue;
      return { as_of: new Date().toISOString(), data_age_ms: 0, ...clientView(client, key, Date.now()) };
    }
    throw notFound('connection', String(id));
  }

  /** Closes one connection or event stream with 4004: its client does not come back by itself. */
  @Delete('connections/:id')
  @HttpCode(204)
  disconnect(@Param('id', { schema: connectionId }) id: number): void {
    const connection = this.server.connections.get(id);
    if (connection !== undefined) connection.close(closeCode.disconnected);
    else if (!this.streams.disconnect(id)) throw notFound('connection', String(id));
  }

  /** Closes every connection and event stream of a key or an address. */
  @Delete('connections')
  disconnectAll(@Query({ schema: disconnectSchema }) { key, address }: z.output<typeof disconnectSchema>) {
    const closed = this.server.closeWhere(
      (connection) =>
        (key === undefined || (connection.session as Session).principal?.id === key) &&
        (address === undefined || connection.address === address),
      closeCode.disconnected,
    );
    const ended = this.streams.closeWhere(
      (owner) =>
        (key === undefined || owner.principal.id === key) &&
        (address === undefined || owner.address === address),
    );
    return { closed: closed + ended };
  }

  /** What is known of the topics: position, followers, history. */
  @Get('topics')
  topics(@Query({ schema: topicsSchema }) { prefix, limit }: z.output<typeof topicsSchema>) {
    const items: object[] = [];
    for (const log of this.hub.broker.logs()) {
      if (!log.name.startsWith(prefix)) continue;
      if (items.length === limit) break;
      items.push({
        topic: log.name,
        epoch: log.epoch,
        offset: log.offset,
        last_at: log.last === null ? null : new Date(log.last.tsMs).toISOString(),
        subscribers: this.hub.subscribers(log.name),
        history: { messages: log.size, bytes: log.bytes, oldest_offset: log.oldest },
      });
    }
    if (items.length === 0 && prefix !== '') {
      throw new Problem(404, 'NOT_FOUND', `No topic begins with "${prefix}".`);
    }
    return { as_of: new Date().toISOString(), data_age_ms: 0, items };
  }
}

function* socketsOf({ connections }: WsServer): Iterable<Listed> {
  for (const client of connections.values()) {
    yield { client, key: (client.session as Session).principal?.id ?? null };
  }
}

const fits = (
  client: Client,
  key: string | null,
  query: z.output<typeof listSchema>,
  nowMs: number,
): boolean =>
  (query.topic === undefined || client.subscriptions.some((s) => s.topic === query.topic)) &&
  (query.key === undefined || key === query.key) &&
  (query.min_lag_ms === undefined || lagMs(client, nowMs) >= query.min_lag_ms);
