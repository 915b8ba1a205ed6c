import type { ServerResponse } from 'node:http';
import type { Outgoing } from './encode.js';
import type { Position } from './publication.js';
import type { Receiver } from './receiver.js';
import type { Subscription } from './subscription.js';

/** Characters that may wait for one event stream. */
const maxQueued = 1024 * 1024;
/** Topics whose positions an event id carries; a stream of a larger family cannot be resumed. */
const maxPositions = 64;

/** Reads the id of an event: where each topic of the stream stood. */
export function readEventId(id: string): Map<string, Position> {
  const out = new Map<string, Position>();
  for (const part of id.split('|').slice(0, maxPositions)) {
    const match = /^(\S{1,128}) (\S{1,64}) (\d{1,16})$/.exec(part);
    if (match !== null) out.set(match[1]!, { epoch: match[2]!, offset: Number(match[3]) });
  }
  return out;
}

/** One client of `GET /api/v1/stream`: publications as server-sent events, each with an id to resume from. */
export class EventStream implements Receiver {
  readonly encoding = 'sse';
  readonly subscriptions: Subscription[] = [];
  skipped = 0;
  blocked = false;
  private readonly positions = new Map<string, Position>();
  private ended = false;

  /**
   * @param epochOf the epoch of a topic that has begun since the stream was opened
   * @param onDrained all that waited has been written
   */
  constructor(
    private readonly response: ServerResponse,
    private readonly epochOf: (topic: string) => string,
    onDrained: () => void,
  ) {
    response.on('drain', () => {
      this.blocked = false;
      if (!this.ended) onDrained();
    });
  }

  get isOpen(): boolean {
    return !this.ended && !this.response.destroyed;
  }

  /** A topic of the stream begins here: before the missed messages, if any follow. */
  begin(topic: string, position: Position, data: string): void {
    this.positions.set(topic, position);
    this.write(`${this.idLine()}event: subscribed\ndata: ${data}\n\n`);
  }

  /** Keeps proxies from closing a quiet stream. */
  comment(): void {
    this.write(':\n\n');
  }

  deliver(_bytes: Buffer, _messages: number, outgoing: readonly Outgoing[]): void {
    let text = '';
    for (const message of outgoing) {
      const { topic, offset } = message;
      const epoch = message.epoch ?? this.positions.get(topic)?.epoch ?? this.epochOf(topic);
      this.positions.set(topic, { epoch, offset });
      text += `${this.idLine()}event: message\ndata: ${message.text}\n\n`;
    }
    this.write(text);
  }

  gather(bytes: Buffer, messages: number, outgoing: readonly Outgoing[]): boolean {
    // The response joins what is written in one turn.
    this.deliver(bytes, messages, outgoing);
    return false;
  }

  flushGathered(): void {
    // Nothing is gathered here.
  }

  /** @param code as for WebSockets: says whether to come back */
  end(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.ended = true;
    this.response.end(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
  }

  private idLine(): string {
    if (this.positions.size > maxPositions) return '';
    const parts: string[] = [];
    for (const [topic, { epoch, offset }] of this.positions) parts.push(`${topic} ${epoch} ${offset}`);
    return `id: ${parts.join('|')}\n`;
  }

  private write(text: string): void {
    if (!this.isOpen) return;
    if (this.response.writableLength + text.length > maxQueued) {
      // What is queued cannot be taken back, so that the end may reach the client late or never.
      this.end(3008, 'slow consumer');
      return;
    }
    if (!this.response.write(text)) this.blocked = true;
  }
}
