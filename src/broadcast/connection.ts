import type { Socket } from 'node:net';
import { errorMessage } from '../domain/error-message.js';
import type { Client } from './client-view.js';
import { type CloseCode, closeCode } from './protocol/close-codes.js';
import { refusal } from './protocol/errors.js';
import { maxPongBytes, pingNumber, writePong } from './protocol/ping.js';
import type { Encoding } from './receiver.js';
import type { Subscription } from './subscription.js';
import { InflateBudget, inflateMessage } from './wire/deflate.js';
import type { Fault, FrameReader, FrameSink, ReadState } from './wire/frame-reader.js';
import { closeFrame, frame, opcode, textFrame } from './wire/frames.js';
import {
  fastWriter,
  handleOf,
  type ReadyTarget,
  ready,
  type SocketWriter,
  type StreamHandle,
  streamWriter,
} from './wire/socket-writer.js';

/** What an endpoint does with its connections. */
export interface ConnectionHandler {
  /** A text message; `bytes` are valid only during the call. */
  onText(connection: Connection, bytes: Buffer, from: number, to: number): void;
  onBinary(connection: Connection): void;
  /** The socket is gone; called once. */
  onClosed(connection: Connection, code: number): void;
  /** All that was queued has been written. */
  onDrained(connection: Connection): void;
  /** More would wait than may; the connection is closed next. */
  onSlow?(connection: Connection): void;
}

/** What all connections of an endpoint share. */
export interface ConnectionShare {
  readonly path: string;
  readonly handler: ConnectionHandler;
  readonly reader: FrameReader;
  /** Bytes that one connection may have waiting in this process. */
  readonly maxQueuedBytes: number;
  /** How long a peer may take to answer a close frame, ms. */
  readonly closeTimeoutMs: number;
  /** A subscription with policy `all` cannot keep up. */
  onSlow(connection: Connection): void;
}

const open = 0;
const closing = 1;
const closed = 2;

/** Answers to the messages of one read are collected here and leave with one write; shared by all connections. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);
let scratchAt = 0;
let reading: Connection | null = null;

const connectionOf = Symbol('connection');
type OwnedSocket = Socket & { [connectionOf]: Connection };

function onSocketData(this: Socket, chunk: Buffer): void {
  (this as OwnedSocket)[connectionOf].onData(chunk);
}
function onSocketEnd(this: Socket): void {
  this.destroy();
}
function onSocketClose(this: Socket): void {
  (this as OwnedSocket)[connectionOf].onSocketClosed();
}
function onSocketError(this: Socket): void {
  // `close` follows and does the rest; without a listener the error would end the process.
}

/**
 * One WebSocket after its handshake: frames in, bytes out, both bounded. It knows nothing of topics but the list of its
 * subscriptions. Fields are few on purpose: ten thousand of these wait idle.
 */
export class Connection implements Client, ReadState, ReadyTarget, FrameSink {
  partial: ReadState['partial'] = null;
  fragments: ReadState['fragments'] = null;
  handle: StreamHandle | null;
  readonly slot: number;
  readonly encoding: Encoding;
  readonly subscriptions: Subscription[] = [];
  /** Bytes written to this connection that the kernel has not taken. */
  queuedBytes = 0;
  queuedMessages = 0;
  /** When the first byte that waits began to wait, Unix ms; 0 while nothing does. */
  waitingSinceMs = 0;
  blocked = false;
  skipped = 0;
  /** Anything was heard from the peer since the last heartbeat. */
  alive = true;
  /** What the endpoint keeps with the connection: the principal, rate bucket. */
  session: unknown = null;
  private state = open;
  private closeCode = 1006;
  /** It has said goodbye or broken the protocol: nothing more from it is read. */
  private deaf = false;
  private queue: Buffer[] | null = null;
  private inflating: InflateBudget | null = null;
  private inFlightBytes = 0;
  private inFlightMessages = 0;

  constructor(
    readonly id: number,
    readonly socket: Socket,
    readonly share: ConnectionShare,
    readonly compression: boolean,
    readonly connectedMs: number,
    readonly address: string,
  ) {
    this.encoding = compression ? 'deflate' : 'text';
    this.handle = fastWriter === undefined ? null : handleOf(socket);
    this.slot = this.handle === null ? -1 : ready.enter(this);
    (socket as OwnedSocket)[connectionOf] = this;
    socket.setTimeout(0);
    socket.on('data', onSocketData);
    socket.on('end', onSocketEnd);
    socket.on('close', onSocketClose);
    socket.on('error', onSocketError);
  }

  get transport(): 'websocket' {
    return 'websocket';
  }

  get path(): string {
    return this.share.path;
  }

  get isOpen(): boolean {
    return this.state === open;
  }

  get wantsMore(): boolean {
    return this.state !== closed && !this.deaf;
  }

  /** How this connection's bytes reach the socket. */
  get writer(): SocketWriter {
    return this.handle !== null ? fastWriter! : streamWriter;
  }

  /** From now on only the public API of the socket is used. */
  useStream(): void {
    this.handle = null;
    this.unready();
  }

  // ── out ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends one text message of this server (an answer, not a publication). */
  send(text: string): void {
    this.sendFrame(textFrame(text));
  }

  /**
   * What Nest's own exception filter calls for an error that no filter of ours has turned into a message: nothing
   * vanishes in silence.
   */
  emit(_event: string, _payload: unknown): void {
    this.send(errorMessage(refusal('INTERNAL_ERROR'), null));
  }

  /** Sends one frame; during a read it leaves together with the other answers to what was read. */
  sendFrame(bytes: Buffer): void {
    if (reading === this && bytes.length <= scratch.length) {
      if (scratchAt + bytes.length > scratch.length) this.flushAnswers();
      scratchAt += bytes.copy(scratch, scratchAt);
      return;
    }
    this.deliver(bytes, 0);
  }

  deliver(bytes: Buffer, messages: number): void {
    if (this.state !== open) return;
    // What was answered before goes before.
    if (reading === this) this.flushAnswers();
    if (!this.blocked && this.queue === null) {
      const written = this.handle !== null ? fastWriter!.write(this, bytes) : streamWriter.write(this, bytes);
      if (!written) this.block(bytes.length, messages);
      return;
    }
    if (this.enqueue(bytes, messages) && !this.blocked) this.flushGathered();
  }

  gather(bytes: Buffer, messages: number): boolean {
    if (this.state !== open) return false;
    if (reading === this) this.flushAnswers();
    const first = this.queue === null && !this.blocked;
    return this.enqueue(bytes, messages) && first;
  }

  giveUp(): void {
    if (this.state === open) this.share.onSlow(this);
  }

  breakOff(): void {
    this.close(closeCode.internal);
  }

  flushGathered(): void {
    const { queue } = this;
    if (queue === null || this.blocked || this.state === closed) return;
    const bytes = this.queuedBytes;
    const messages = this.queuedMessages;
    this.queue = null;
    this.queuedBytes = 0;
    this.queuedMessages = 0;
    this.waitingSinceMs = 0;
    const written =
      queue.length === 1 ? this.writer.write(this, queue[0]!) : this.writer.writeMany(this, queue);
    if (!written) this.block(bytes, messages);
  }

  /**
   * Starts the closing handshake. What is queued still goes out before it, unless the receiver was too slow for it.
   * @param reason defaults to the code's own
   */
  close(entry: CloseCode, reason: string = entry.reason): void {
    this.startClosing(entry.code, closeFrame(entry.code, reason));
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.socket.destroy();
  }

  /** A WebSocket ping; the peer's answer makes the connection {@link alive}. */
  ping(): void {
    this.deliver(pingFrame, 0);
  }

  onWritten(failed: boolean): void {
    if (this.state === closed) return;
    if (failed) {
      this.socket.destroy();
      return;
    }
    this.blocked = false;
    this.queuedBytes -= this.inFlightBytes;
    this.queuedMessages -= this.inFlightMessages;
    this.inFlightBytes = 0;
    this.inFlightMessages = 0;
    if (this.queue !== null) this.flushGathered();
    if (this.blocked) return;
    this.waitingSinceMs = 0;
    if (this.socket.isPaused()) this.socket.resume();
    if (this.state !== open) return;
    if (this.slot >= 0) ready.handles[this.slot] = this.handle;
    this.share.handler.onDrained(this);
  }

  /** Returns false when the bytes would not fit: the policy has been applied. */
  private enqueue(bytes: Buffer, messages: number): boolean {
    if (this.queuedBytes + bytes.length > this.share.maxQueuedBytes) {
      this.giveUp();
      return false;
    }
    this.queue ??= [];
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.queuedMessages += messages;
    if (this.waitingSinceMs === 0) this.waitingSinceMs = Date.now();
    return true;
  }

  block(bytes: number, messages: number): void {
    this.blocked = true;
    this.unready();
    this.inFlightBytes = bytes;
    this.inFlightMessages = messages;
    this.queuedBytes += bytes;
    this.queuedMessages += messages;
    if (this.waitingSinceMs === 0) this.waitingSinceMs = Date.now();
  }

  private startClosing(code: number, bytes: Buffer): void {
    if (this.state !== open) return;
    if (code === closeCode.slow.code) this.dropQueue();
    if (reading === this) this.flushAnswers();
    if (this.blocked || this.queue !== null) {
      this.queue ??= [];
      this.queue.push(bytes);
      this.queuedBytes += bytes.length;
      if (!this.blocked) this.flushGathered();
    } else if (!this.writer.write(this, bytes)) this.block(bytes.length, 0);
    this.state = closing;
    this.unready();
    this.closeCode = code;
    setTimeout(() => this.socket.destroy(), this.share.closeTimeoutMs).unref();
  }

  /** Whoever fans out has to ask first. */
  private unready(): void {
    if (this.slot >= 0) ready.handles[this.slot] = null;
  }

  private dropQueue(): void {
    this.queue = null;
    this.queuedBytes = this.inFlightBytes;
    this.queuedMessages = this.inFlightMessages;
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(chunk: Buffer): void {
    if (!this.wantsMore) return;
    this.alive = true;
    reading = this;
    try {
      const fault = this.share.reader.read(this, chunk, this, this.compression);
      if (fault !== undefined) this.fail(fault.code, fault.reason);
    } finally {
      this.flushAnswers();
      reading = null;
    }
    // A peer that asks without reading the answers is not read any further.
    if (this.blocked && this.queuedBytes > this.share.maxQueuedBytes / 2) this.socket.pause();
  }

  onText(bytes: Buffer, from: number, to: number): void {
    if (this.state !== open) return;
    const number = pingNumber(bytes, from, to);
    if (number === 0) {
      this.share.handler.onText(this, bytes, from, to);
      return;
    }
    if (scratchAt + maxPongBytes + 2 > scratch.length) this.flushAnswers();
    scratchAt = writePong(scratch, scratchAt, bytes, number, to - 1, Date.now());
  }

  onBinary(): void {
    if (this.state === open) this.share.handler.onBinary(this);
  }

  onPing(payload: Buffer): void {
    this.sendFrame(frame(opcode.pong, payload));
  }

  onPong(): void {
    // `alive` was set by the read.
  }

  onClose(code: number, reason: string): void {
    this.deaf = true;
    if (this.state === open) {
      this.closeCode = code;
      const answer = code === 1005 ? emptyCloseFrame : closeFrame(code, reason);
      this.startClosing(code, answer);
      this.closeCode = code;
    }
    // Both sides have said it: the server is the one to hang up (RFC 6455, 7.1.1).
    this.socket.end();
  }

  inflate(bytes: Buffer, maxBytes: number): Buffer | Fault {
    const inflated = inflateMessage(bytes, maxBytes);
    if (!Buffer.isBuffer(inflated)) return inflated;
    this.inflating ??= new InflateBudget();
    return this.inflating.spend(inflated.length, Date.now()) ? inflated : closeCode.tooManyMessages;
  }

  /** The socket's `close` event. */
  onSocketClosed(): void {
    if (this.state === closed) return;
    this.state = closed;
    this.handle = null;
    this.queue = null;
    this.queuedBytes = 0;
    this.queuedMessages = 0;
    this.unready();
    this.share.handler.onClosed(this, this.closeCode);
    // Last: no subscription has the slot any more.
    if (this.slot >= 0) ready.leave(this.slot);
  }

  private fail(code: number, reason: string): void {
    this.startClosing(code, closeFrame(code, reason));
    this.deaf = true;
    this.partial = null;
    this.socket.end();
  }

  private flushAnswers(): void {
    if (scratchAt === 0) return;
    const bytes = scratch.subarray(0, scratchAt);
    scratchAt = 0;
    if (this.blocked || this.queue !== null || this.state !== open) {
      this.deliver(Buffer.from(bytes), 0);
      return;
    }
    this.deliver(bytes, 0);
    // libuv still reads from it.
    if (this.blocked) scratch = Buffer.allocUnsafeSlow(64 * 1024);
  }
}

const pingFrame = frame(opcode.ping, Buffer.alloc(0));
const emptyCloseFrame = frame(opcode.close, Buffer.alloc(0));
