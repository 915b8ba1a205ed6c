import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { Problem } from '../domain/problem.js';

/**
 * Turns what a `@SubscribeMessage` handler throws into a typed `error` message with the `id` of the request; the
 * connection lives. Put it on a gateway: `@UseFilters(new WsProblemFilter())`.
 */
@Catch()
export class WsProblemFilter implements ExceptionFilter {
  /** @param onDefect told of what is not a {@link Problem}; its text does not reach the client */
  constructor(private readonly onDefect: (error: unknown) => void = () => {}) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const ws = host.switchToWs();
    const client = ws.getClient<{ send(text: string): void }>();
    const { id } = (ws.getData() ?? {}) as { id?: unknown };
    if (!(error instanceof Problem)) {
      this.onDefect(error);
      client.send(JSON.stringify({ type: 'error', id, code: 'INTERNAL', message: 'The server failed.' }));
      return;
    }
    const { code, detail, extra } = error;
    client.send(JSON.stringify({ type: 'error', id, code, message: detail, errors: extra.errors }));
  }
}
