import type { Scope } from '../access/principal.js';
import type { Connection, ConnectionHandler } from './connection.js';

/** What a gateway may say about its endpoint in `@WebSocketGateway({ path, … })`. */
export interface EndpointOptions {
  /** Exactly this path. */
  readonly path: string;
  /**
   * What a key needs to connect. `null`: nothing (answers carry no data). `'in-band'`: a key may also come in the first
   * message, and the gateway sees to it.
   */
  readonly scope?: Scope | 'in-band' | null;
  /**
   * The setting that bounds all messages of a connection per second. Without it the gateway counts against
   * `WS_MESSAGES_PER_SECOND` what it wants to.
   */
  readonly rate?: 'WS_INGEST_MESSAGES_PER_SECOND';
}

/**
 * One path that can be upgraded. A gateway sets {@link handler} in `afterInit`, or uses Nest's `@SubscribeMessage`, in
 * which case the adapter does.
 */
export class WsEndpoint {
  handler: ConnectionHandler | null = null;
  /** Called for each connection after its handshake. */
  onConnection: (connection: Connection) => void = () => {};

  constructor(readonly options: EndpointOptions) {}
}
