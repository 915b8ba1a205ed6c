import type { EventBus } from '../domain/event-bus.js';
import type { ConnectionClosed, ConnectionOpened } from '../domain/events.js';
import type { CounterHandle } from '../observability/metrics.js';
import { processNode } from './process-node.js';
import type { WebsocketConnectionRepository } from './websocket-connection.repository.js';

/** Connections of each kind that may wait to be written; further ones are not recorded, and counted. */
const maxWaiting = 20_000;
const rowsPerStatement = 5_000;
const maxUserAgent = 256;

/**
 * Writes who connects and disconnects to `websocket_connections`, once a second and many at a time: a storm of five
 * thousand connections is two statements.
 */
export class ConnectionRecorder {
  private opened: ConnectionOpened[] = [];
  private closed: ConnectionClosed[] = [];

  constructor(
    private readonly repository: Pick<WebsocketConnectionRepository, 'opened' | 'closed'>,
    bus: EventBus,
    private readonly unrecorded: CounterHandle,
    private readonly node = processNode,
  ) {
    bus.on('connection.opened', (event) => this.keep(this.opened, event));
    bus.on('connection.closed', (event) => this.keep(this.closed, event));
  }

  /** Writes what has come since the last time. @throws Problem 503; what was not written waits for the next time */
  async flush(): Promise<void> {
    while (this.opened.length > 0) {
      const part = this.opened.slice(0, rowsPerStatement);
      await this.repository.opened(
        part.map(({ id, subject, atMs, path, address, userAgent }) => ({
          connectionId: this.idOf(id),
          node: this.node,
          subject,
          connectedAtMs: atMs,
          metadata: {
            path,
            address,
            ...(userAgent === null ? {} : { user_agent: cleaned(userAgent) }),
          },
        })),
      );
      this.opened = this.opened.slice(part.length);
    }
    while (this.closed.length > 0) {
      const part = this.closed.slice(0, rowsPerStatement);
      await this.repository.closed(
        part.map(({ id, atMs, code }) => ({ connectionId: this.idOf(id), atMs, code })),
      );
      this.closed = this.closed.slice(part.length);
    }
  }

  private idOf(id: number): string {
    return `${this.node}/${id}`;
  }

  private keep<T>(list: T[], event: T): void {
    if (list.length < maxWaiting) list.push(event);
    else this.unrecorded.inc();
  }
}

/** What a header may hold and `jsonb` may not. */
const cleaned = (text: string): string => text.slice(0, maxUserAgent).replaceAll('\0', '').toWellFormed();
