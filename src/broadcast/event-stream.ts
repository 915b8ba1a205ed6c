import type { ServerResponse } from 'node:http';
import type { Client } from './client-view.js';
import type { Outgoing } from './encode.js';
import { type CloseCode, closeCode } from './protocol/close-codes.js';
import type { Position } from './publication.js';
import type { Subscription } from './subscription.js';

/** Topics whose positions an event id carries; a stream of a larger family cannot be resumed. */
const maxPositions = 64;
/** How long a client that has been told to go may take to read it, ms. */
const farewellMs = 5_000;

/** Reads the id of an event: where each topic of the stream stood. */
export function readEventId(id: string): Map<string, Position> {
  const out = new Map<string, Position>();
  for (const part of id.split('|').slice(0, maxPositions)) {
    const match = /^(\S{1,128}) (\S{1,64}) (\d{1,16})$/.exec(part);
    if (match !== null) out.set(match[1]!, { epoch: match[2]!, offset: Number(match[3]) });
  }
  return out;
}

/** What a stream asks of its surroundings. */
export interface EventStreamHost {
  /** Characters that may wait for the client. */
  readonly maxQueued: number;
  /** The epoch of a topic that has begun since the stream was opened. */
  epochOf(topic: string): string;
  /** All that waited has been written. */
  onDrained(stream: EventStream): void;
  /** The client did not keep up and is being closed. */
  onSlow(stream: EventStream): void;
}

/**
 * One client of `GET /api/v1/stream`: publications as server-sent events, each with an id to resume from. What the
 * socket does not take waits here, bounded, so that a client that is too slow can still be told why it is closed.
 */
export class EventStream implements Client {
  readonly transport = 'sse';
  readonly path = '/api/v1/stream';
  readonly compression = false;
  readonly encoding = 'sse';
  readonly slot = -1;
  readonly subscriptions: Subscription[] = [];
  skipped = 0;
  blocked = false;
  /** Characters of messages that wait here. */
  queued = 0;
  queuedMessages = 0;
  /** When the socket stopped taking bytes, Unix ms; 0 while it takes them. */
  waitingSinceMs = 0;
  private queue: string[] = [];
  private readonly positions = new Map<string, Position>();
  private ended = false;

  constructor(
    readonly id: number,
    readonly address: string,
    private readonly response: ServerResponse,
    private readonly host: EventStreamHost,
    private readonly nowMs: () => number = Date.now,
    readonly connectedMs = nowMs(),
  ) {
    response.on('drain', () => this.onDrain());
  }

  /** What waits here, and what waits in the socket. */
  get queuedBytes(): number {
    return this.queued + this.response.writableLength;
  }

  get isOpen(): boolean {
    return !this.ended && !this.response.destroyed;
  }

  /** A topic of the stream begins here: before the missed messages, if any follow. */
  begin(topic: string, position: Position, data: string): void {
    this.stand(topic, position);
    this.tell(data);
  }

  /** What became of a subscription. @param data JSON */
  tell(data: string): void {
    const text = `${this.idLine()}event: subscribed\ndata: ${data}\n\n`;
    // What the client has asked for is not held against it.
    if (this.blocked) this.queue.push(text);
    else if (this.isOpen) this.send(text);
  }

  /**
   * Keeps proxies from closing a quiet stream.
   * @returns false when the client has taken nothing for `patienceMs`: it is gone
   */
  beat(patienceMs: number): boolean {
    if (this.blocked) return this.nowMs() - this.waitingSinceMs < patienceMs;
    this.write(':\n\n');
    return true;
  }

  deliver(_bytes: Buffer, _messages: number, outgoing: readonly Outgoing[]): void {
    let text = '';
    for (const message of outgoing) {
      const { topic, offset } = message;
      const epoch = message.epoch ?? this.positions.get(topic)?.epoch ?? this.host.epochOf(topic);
      this.stand(topic, { epoch, offset });
      text += `${this.idLine()}event: message\ndata: ${message.text}\n\n`;
    }
    this.write(text, outgoing.length);
  }

  gather(bytes: Buffer, messages: number, outgoing: readonly Outgoing[]): boolean {
    // The response joins what is written in one turn.
    this.deliver(bytes, messages, outgoing);
    return false;
  }

  giveUp(): void {
    if (!this.isOpen) return;
    this.host.onSlow(this);
    this.end(closeCode.slow);
  }

  breakOff(): void {
    this.end(closeCode.internal);
  }

  flushGathered(): void {
    // Nothing is gathered here.
  }

  /**
   * Ends the stream with an event that says why. What waits still goes out before it, unless the client was too slow
   * for it.
   * @param reconnectAfterMs when to come back; browsers obey
   */
  end({ code, reason }: CloseCode, reconnectAfterMs?: number): void {
    if (!this.isOpen) return;
    this.ended = true;
    if (code === closeCode.slow.code) this.dropQueue();
    const words =
      reconnectAfterMs === undefined ? reason : JSON.stringify({ reconnect_after_ms: reconnectAfterMs });
    const retry = reconnectAfterMs === undefined ? '' : `retry: ${reconnectAfterMs}\n`;
    this.queue.push(`${retry}event: close\ndata: ${JSON.stringify({ code, reason: words })}\n\n`);
    if (!this.blocked) this.onDrain();
    setTimeout(() => this.terminate(), farewellMs).unref();
  }

  /** Ends the stream without a word. */
  terminate(): void {
    this.dropQueue();
    this.response.destroy();
  }

  private onDrain(): void {
    this.blocked = false;
    this.waitingSinceMs = 0;
    if (this.queue.length > 0) {
      const text = this.queue.join('');
      this.dropQueue();
      if (this.ended) this.response.end(text);
      else this.send(text);
    }
    if (!this.blocked && this.isOpen) this.host.onDrained(this);
  }

  /** Where a topic stands; past {@link maxPositions} the stream cannot be resumed, and one more says so for good. */
  private stand(topic: string, position: Position): void {
    if (this.positions.size <= maxPositions || this.positions.has(topic)) this.positions.set(topic, position);
  }

  private idLine(): string {
    if (this.positions.size > maxPositions) return '';
    const parts: string[] = [];
    for (const [topic, { epoch, offset }] of this.positions) parts.push(`${topic} ${epoch} ${offset}`);
    return `id: ${parts.join('|')}\n`;
  }

  private write(text: string, messages = 0): void {
    if (!this.isOpen) return;
    if (!this.blocked) {
      this.send(text);
      return;
    }
    if (this.queued + text.length > this.host.maxQueued) {
      this.giveUp();
      return;
    }
    this.queue.push(text);
    this.queued += text.length;
    this.queuedMessages += messages;
  }

  private send(text: string): void {
    if (this.response.write(text)) return;
    this.blocked = true;
    this.waitingSinceMs = this.nowMs();
  }

  private dropQueue(): void {
    this.queue = [];
    this.queued = 0;
    this.queuedMessages = 0;
  }
}
