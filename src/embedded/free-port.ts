import { createServer } from 'node:net';
import { errorCode, StartupError } from '../startup-error.js';

/** A TCP port of 127.0.0.1 that nobody used a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Finds out early that the server could not listen, before anything else is started. */
export async function requireFreePort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(explainListenError(error, host, port)));
    server.listen(port, host, () => server.close(() => resolve()));
  });
}

export function explainListenError(error: unknown, host: string, port: number): unknown {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StartupError(`port ${port} of ${host} is in use; stop what uses it or set another PORT`);
    case 'EACCES':
      return new StartupError(`port ${port} may not be used without privileges; set a PORT above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`HOST ${host} is not an address of this machine`);
    default:
      return error;
  }
}
