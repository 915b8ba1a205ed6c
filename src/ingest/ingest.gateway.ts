import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { errorMessage } from '../domain/error-message.js';
import { Problem } from '../domain/problem.js';
import { Logger, type ModuleLogger } from '../observability/logger.js';
import { IngestService } from './ingest.service.js';
import { IngestSession, type IngestSocket } from './ingest-session.js';

/** What the adapter asks of whoever handles the connections of a path. */
interface TextEndpoint {
  handler: {
    onText(socket: IngestSocket, bytes: Buffer, from: number, to: number): void;
    onBinary(socket: IngestSocket): void;
    onClosed(socket: IngestSocket, code: number): void;
    onDrained(socket: IngestSocket): void;
  } | null;
}

/** `/ws/ingest`: ticks and metric points by message, each acknowledged when it is durable. */
@WebSocketGateway({ path: '/ws/ingest', scope: 'ingest', rate: 'WS_INGEST_MESSAGES_PER_SECOND' })
export class IngestGateway implements OnGatewayInit<TextEndpoint> {
  private readonly log: ModuleLogger;
  private readonly sessions = new WeakMap<IngestSocket, IngestSession>();

  constructor(
    private readonly ingest: IngestService,
    logger: Logger,
  ) {
    this.log = logger.child('ingest');
  }

  afterInit(endpoint: TextEndpoint): void {
    endpoint.handler = {
      onText: (socket, bytes, from, to) => this.session(socket).receive(bytes.toString('utf8', from, to)),
      onBinary: (socket) =>
        socket.send(errorMessage(new Problem(415, 'BINARY_UNSUPPORTED', 'Send text.'), null)),
      onClosed: (socket) => this.sessions.delete(socket),
      onDrained: () => undefined,
    };
  }

  private session(socket: IngestSocket): IngestSession {
    const known = this.sessions.get(socket);
    if (known !== undefined) return known;
    const session = new IngestSession(
      socket,
      ({ kind, values, idempotencyKey }) => {
        const upload = { source: { values }, via: 'websocket', idempotencyKey } as const;
        return kind === 'ticks' ? this.ingest.uploadTicks(upload) : this.ingest.uploadPoints(upload);
      },
      (error) => this.log.error({ err: error }, 'a message could not be stored'),
    );
    this.sessions.set(socket, session);
    return session;
  }
}
