import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network that can be cut: a TCP proxy in front of a server on this machine. */
export class CutProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private silent = false;

  private constructor(private readonly target: { readonly host: string; readonly port: number }) {}

  static async to(url: string): Promise<CutProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new CutProxy({ host: hostname, port: Number(port || 6379) });
    await proxy.mend();
    return proxy;
  }

  /** The given URL through this proxy. */
  url(original: string): string {
    const url = new URL(original);
    url.host = `127.0.0.1:${this.port}`;
    return url.href.replace(/\/$/, '');
  }

  /** Ends every connection and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Keeps connections open, but carries nothing any more: a cable that was pulled. */
  silence(): void {
    this.silent = true;
    for (const socket of this.sockets) socket.pause();
  }

  async mend(): Promise<void> {
    this.silent = false;
    for (const socket of this.sockets) socket.resume();
    if (this.server !== undefined) return;
    const server = createServer((client) => this.join(client));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => resolve());
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
  }

  private join(client: Socket): void {
    const upstream = connect(this.target.port, this.target.host);
    const pair = [client, upstream] as const;
    for (const [from, to] of [pair, [upstream, client] as const]) {
      this.sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.silent) from.pause();
    }
  }
}
