import { connect, type Socket } from 'node:net';

/** What happens to a {@link PlainClient}. */
export interface ClientEvents {
  opened(): void;
  /** One text message: `bytes[from, to)`, valid only during the call. */
  text(bytes: Buffer, from: number, to: number): void;
  /** @param wasOpen the handshake had succeeded */
  closed(wasOpen: boolean): void;
}

/** As little of a WebSocket client as a server can be measured with, so that the client is not what is measured. */
export class PlainClient {
  isOpen = false;
  readonly socket: Socket;
  private rest: Buffer | null = null;

  constructor(
    port: number,
    path: string,
    private readonly events: ClientEvents,
  ) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    this.socket.on('data', (chunk: Buffer) => this.take(chunk));
    this.socket.on('error', () => {
      // `close` follows.
    });
    this.socket.once('close', () => {
      const wasOpen = this.isOpen;
      this.isOpen = false;
      events.closed(wasOpen);
    });
  }

  /** A masked text frame, mask 0; ASCII below 64 KiB. */
  send(message: string): void {
    const size = message.length;
    const header = size < 126 ? 6 : 8;
    const frame = Buffer.alloc(header + size);
    frame[0] = 0x81;
    if (size < 126) frame[1] = 0x80 | size;
    else {
      frame[1] = 0xfe;
      frame.writeUInt16BE(size, 2);
    }
    frame.write(message, header, 'latin1');
    this.socket.write(frame);
  }

  private take(chunk: Buffer): void {
    let bytes = this.rest === null ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = null;
    if (!this.isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.rest = bytes;
        return;
      }
      if (bytes.toString('latin1', 9, 12) !== '101') {
        this.socket.destroy();
        return;
      }
      bytes = bytes.subarray(end + 4);
      this.isOpen = true;
      this.events.opened();
    }
    const used = this.frames(bytes);
    if (used < bytes.length) this.rest = Buffer.from(bytes.subarray(used));
  }

  private frames(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= 2) {
      let size = bytes[at + 1]! & 0x7f;
      let header = 2;
      if (size === 126) {
        if (bytes.length - at < 4) break;
        size = bytes.readUInt16BE(at + 2);
        header = 4;
      } else if (size === 127) {
        if (bytes.length - at < 10) break;
        size = bytes.readUInt32BE(at + 6);
        header = 10;
      }
      const from = at + header;
      if (bytes.length < from + size) break;
      at = from + size;
      if ((bytes[from - header]! & 0x0f) === 1) this.events.text(bytes, from, at);
    }
    return at;
  }
}
