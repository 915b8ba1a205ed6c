import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { notFound, Problem } from '../domain/problem.js';
import type { Connection } from './connection.js';
import { EventStreams } from './event-streams.js';
import { Hub } from './hub.js';
import { closeCode } from './protocol/close-codes.js';
import type { Receiver } from './receiver.js';
import type { Subscription } from './subscription.js';
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

/** The live connections of this process. */
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
    const items: ReturnType<typeof connectionView>[] = [];
    let next: number | null = null;
    for (const connection of this.server.connections.values()) {
      if (connection.id <= query.cursor || !fits(connection, query, now)) continue;
      if (items.length === query.limit) {
        next = items.at(-1)?.id ?? null;
        break;
      }
      items.push(connectionView(connection, now));
    }
    return {
      as_of: new Date(now).toISOString(),
      data_age_ms: 0,
      total: this.server.connections.size,
      event_streams: this.streams.size,
      items,
      next_cursor: next,
    };
  }

  @Get('connections/:id')
  read(@Param('id', { schema: connectionId }) id: number) {
    const connection = this.server.connections.get(id);
    if (connection === undefined) throw notFound('connection', String(id));
    return { as_of: new Date().toISOString(), data_age_ms: 0, ...connectionView(connection, Date.now()) };
  }

  /** Closes one connection with 4004: its client does not come back by itself. */
  @Delete('connections/:id')
  @HttpCode(204)
  disconnect(@Param('id', { schema: connectionId }) id: number): void {
    const connection = this.server.connections.get(id);
    if (connection === undefined) throw notFound('connection', String(id));
    connection.close(closeCode.disconnected);
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

function fits(connection: Connection, query: z.output<typeof listSchema>, nowMs: number): boolean {
  return (
    (query.topic === undefined || connection.subscriptions.some((s) => s.topic === query.topic)) &&
    (query.key === undefined || (connection.session as Session).principal?.id === query.key) &&
    (query.min_lag_ms === undefined || lagMs(connection, nowMs) >= query.min_lag_ms)
  );
}

/** How long the oldest byte has waited; 0 while nothing waits. */
const lagMs = ({ waitingSinceMs }: Connection, nowMs: number): number =>
  waitingSinceMs === 0 ? 0 : nowMs - waitingSinceMs;

/** What conflation left out, whether the receiver was in step or not. */
export function droppedFor(receiver: Receiver): number {
  return receiver.subscriptions.reduce(
    (total, { lane, skippedBefore, apart }) => total + (apart ? 0 : lane.skippedInStep - skippedBefore),
    receiver.skipped,
  );
}

const subscriptionView = ({ topic, lane, apart }: Subscription) => ({
  topic,
  policy: lane.options.policy,
  every_ms: lane.options.policy === 'conflate' ? lane.options.everyMs : null,
  delta: lane.options.delta,
  in_step: !apart,
});

const connectionView = (connection: Connection, nowMs: number) => ({
  id: connection.id,
  path: connection.path,
  address: connection.address,
  key: (connection.session as Session).principal?.id ?? null,
  connected_at: new Date(connection.connectedMs).toISOString(),
  compression: connection.compression,
  topics: connection.subscriptions.map(subscriptionView),
  lag_messages: connection.queuedMessages,
  lag_ms: lagMs(connection, nowMs),
  bytes_queued: connection.queuedBytes,
  dropped: droppedFor(connection),
});
