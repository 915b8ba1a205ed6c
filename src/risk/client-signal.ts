/** The part of a Fastify reply that tells when its client has gone. */
export interface HttpReply {
  readonly raw: {
    readonly writableFinished: boolean;
    once(event: 'close', listener: () => void): unknown;
  };
}

/** Aborts when the connection closes before the answer is written: nobody reads it then. */
export function clientSignal(reply: HttpReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
