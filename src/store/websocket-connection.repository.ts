import { Injectable } from '@nestjs/common';
import { Database } from './database.js';

export interface WebsocketConnectionRecord {
  readonly connectionId: string;
  readonly node: string;
  /** Id of the API key; `null` on an open server. */
  readonly subject: string | null;
  readonly connectedAtMs: number;
  /** What is known of the client: path, address, user agent, subprotocol. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface KnownConnection extends WebsocketConnectionRecord {
  readonly disconnectedAtMs: number | null;
  readonly closeCode: number | null;
}

/** Who was connected, from where and until when; closed connections are kept for a week. */
@Injectable()
export class WebsocketConnectionRepository {
  constructor(private readonly database: Database) {}

  /** Records connections that have opened; known ids are left as they are. */
  async opened(connections: readonly WebsocketConnectionRecord[]): Promise<void> {
    await this.database.writer.query({
      name: 'websocket_opened',
      text: `INSERT INTO websocket_connections (connection_id, node, subject, connected_at, metadata)
        SELECT c, n, s, to_timestamp(t / 1000), m::jsonb
        FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::text[]) AS u(c, n, s, t, m)
        ON CONFLICT DO NOTHING`,
      values: [
        connections.map((c) => c.connectionId),
        connections.map((c) => c.node),
        connections.map((c) => c.subject),
        connections.map((c) => c.connectedAtMs),
        connections.map((c) => JSON.stringify(c.metadata)),
      ],
    });
  }

  /** Records that connections have closed. */
  async closed(
    connections: readonly {
      readonly connectionId: string;
      readonly atMs: number;
      readonly code: number | null;
    }[],
  ): Promise<void> {
    await this.database.writer.query({
      name: 'websocket_closed',
      text: `UPDATE websocket_connections w SET disconnected_at = to_timestamp(t / 1000), close_code = k
        FROM unnest($1::text[], $2::float8[], $3::int[]) AS u(c, t, k) WHERE w.connection_id = u.c`,
      values: [
        connections.map((c) => c.connectionId),
        connections.map((c) => c.atMs),
        connections.map((c) => c.code),
      ],
    });
  }

  /** Connections whose metadata contain these pairs, newest first. */
  async find(metadata: Readonly<Record<string, unknown>>, limit = 100): Promise<KnownConnection[]> {
    const { rows } = await this.database.reader.query<{
      connection_id: string;
      node: string;
      subject: string | null;
      connected_ms: number;
      disconnected_ms: number | null;
      close_code: number | null;
      metadata: Record<string, unknown>;
    }>({
      name: 'websocket_find',
      // Index websocket_connections_metadata.
      text: `SELECT connection_id, node, subject, close_code, metadata,
          (extract(epoch FROM connected_at) * 1000)::float8 AS connected_ms,
          (extract(epoch FROM disconnected_at) * 1000)::float8 AS disconnected_ms
        FROM websocket_connections WHERE metadata @> $1::jsonb ORDER BY connected_at DESC LIMIT $2`,
      values: [JSON.stringify(metadata), limit],
    });
    return rows.map((r) => ({
      connectionId: r.connection_id,
      node: r.node,
      subject: r.subject,
      connectedAtMs: r.connected_ms,
      disconnectedAtMs: r.disconnected_ms,
      closeCode: r.close_code,
      metadata: r.metadata,
    }));
  }
}
