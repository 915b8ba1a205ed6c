import { WebSocket } from 'ws';

type Json = Record<string, unknown>;

/** A raw client for tests: what arrives is kept, and can be waited for. */
export class WsClient {
  readonly messages: Json[] = [];
  closed: { code: number; reason: string } | null = null;
  private waiting: (() => void)[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as Json);
      this.wake();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.wake();
    });
    socket.on('error', () => this.wake());
  }

  /** Resolves when the handshake is done; rejects with the HTTP status, headers and body otherwise. */
  static open(
    url: string,
    protocols: string[] = [],
    options: WebSocket.ClientOptions = {},
  ): Promise<WsClient> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
      const client = new WsClient(socket);
      socket.once('open', () => resolve(client));
      socket.once('unexpected-response', (_request, response) => {
        const { statusCode: status, headers } = response;
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          reject(Object.assign(new Error(`HTTP ${status}`), { status, headers, body: JSON.parse(text) }));
          socket.terminate();
        });
      });
      socket.once('error', reject);
    });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message that fits, arrived or still to come. */
  async next(fits: (message: Json) => boolean, timeoutMs = 2_000): Promise<Json> {
    await this.until(() => this.messages.some(fits), timeoutMs, 'a message');
    return this.messages.find(fits)!;
  }

  async request(message: Json): Promise<Json> {
    this.send(message);
    return this.next((m) => m.id === message.id);
  }

  async subscribe(topic: string, more: Json = {}): Promise<Json> {
    const id = `s${this.messages.length}-${Math.random()}`;
    return this.request({ type: 'subscribe', id, topic, ...more });
  }

  publications(topic?: string): Json[] {
    return this.messages.filter((m) => m.type === 'message' && (topic === undefined || m.topic === topic));
  }

  /** Waits until that many publications have come. */
  async received(count: number, timeoutMs = 3_000): Promise<Json[]> {
    await this.until(() => this.publications().length >= count, timeoutMs, `${count} publications`);
    return this.publications();
  }

  async close(): Promise<{ code: number; reason: string }> {
    this.socket.close();
    return this.whenClosed();
  }

  async whenClosed(timeoutMs = 5_000): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== null, timeoutMs, 'the close');
    return this.closed!;
  }

  private async until(done: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(
          `no ${what} within ${timeoutMs} ms; got ${JSON.stringify(this.messages).slice(0, 500)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
