import type { Socket } from 'node:net';

/** The part of libuv's stream handle that is used: internal to Node, hence looked at before it is relied on. */
export interface StreamHandle {
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  writev(request: WriteRequest, chunks: readonly Buffer[], allBuffers: true): number;
}

/** libuv's write request; it belongs to libuv from an asynchronous write until `oncomplete`. */
export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  /** Keeps the bytes alive while libuv writes them. */
  bytes?: Buffer | readonly Buffer[] | undefined;
  target?: WriteTarget | undefined;
}

/** A socket as a writer sees it; told when a write that could not be done at once has ended. */
export interface WriteTarget {
  readonly socket: Socket;
  /** libuv's handle of the socket; `null` once it is closed, or where only the public API is used. */
  readonly handle: StreamHandle | null;
  /** @param failed the socket is broken; its `close` event follows */
  onWritten(failed: boolean): void;
}

/** A connection in the {@link ReadyTable}. */
export interface ReadyTarget extends WriteTarget {
  /** A write that others started for it is under way: `onWritten` follows. */
  block(bytes: number, messages: number): void;
}

/**
 * Who takes bytes at once, by slot: the handle while nothing waits, `null` otherwise. One dense table for the process, so
 * that a fan-out reads two words of memory for a receiver instead of several objects.
 */
export class ReadyTable {
  readonly handles: (StreamHandle | null)[] = [];
  readonly targets: (ReadyTarget | null)[] = [];
  private readonly free: number[] = [];

  /** @returns the slot, given back with {@link leave} */
  enter(target: ReadyTarget): number {
    const slot = this.free.pop() ?? this.handles.length;
    this.handles[slot] = target.handle;
    this.targets[slot] = target;
    return slot;
  }

  leave(slot: number): void {
    this.handles[slot] = null;
    this.targets[slot] = null;
    this.free.push(slot);
  }
}

export const ready = new ReadyTable();

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** How bytes reach a socket. */
export interface SocketWriter {
  readonly name: 'handle' | 'stream';
  /**
   * Writes one buffer. @returns true when the kernel took all of it and the buffer is free again; false when the rest
   * is under way and `onWritten` follows: until then nothing more may be written
   */
  write(target: WriteTarget, bytes: Buffer): boolean;
  /** The same for several buffers in one system call. */
  writeMany(target: WriteTarget, chunks: readonly Buffer[]): boolean;
}

/** The way through libuv's handle. */
export interface HandleWriter extends SocketWriter {
  /**
   * Writes one buffer to the targets in `slots[from, to)`, as far as they are ready.
   * @returns the first place whose target is not: it has been given nothing
   */
  writeEach(slots: readonly number[], from: number, to: number, bytes: Buffer, messages: number): number;
}

/** `socket.write`: public API, the fallback. */
export const streamWriter: SocketWriter = {
  name: 'stream',
  write(target, bytes) {
    const { socket } = target;
    if (socket.destroyed || !socket.writable) return true;
    socket.write(bytes);
    if (socket.writableLength === 0) return true;
    // An empty write behind the others is the one public way to learn that all of them are done.
    socket.write('', (error) => target.onWritten(error != null));
    return false;
  },
  writeMany(target, chunks) {
    return this.write(target, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  },
};

function findStreamWrap(): StreamWrap | undefined {
  try {
    const { binding } = process as unknown as { binding?: (name: string) => unknown };
    const wrap = binding?.call(process, 'stream_wrap') as Partial<StreamWrap> | undefined;
    if (typeof wrap?.WriteWrap !== 'function') return undefined;
    if (!ArrayBuffer.isView(wrap.streamBaseState) || typeof wrap.kLastWriteWasAsync !== 'number')
      return undefined;
    return wrap as StreamWrap;
  } catch {
    // A Node without this internal: the fallback is as right, only slower.
    return undefined;
  }
}

function onComplete(this: WriteRequest, status: number): void {
  const { target } = this;
  this.oncomplete = null;
  this.bytes = undefined;
  this.target = undefined;
  target?.onWritten(status !== 0);
}

/**
 * Writes straight to libuv's handle. While a write ends at once, which is the rule, its request object is used again
 * for the next, so that a message to one of a thousand sockets costs one call into C++ and no garbage.
 * @returns `undefined` where Node does not offer the internals this needs
 */
export function handleWriter(table: ReadyTable = ready): HandleWriter | undefined {
  const wrap = findStreamWrap();
  if (wrap === undefined) return undefined;
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = wrap;
  const { handles, targets } = table;
  let spare = new WriteWrap();

  const settle = (target: WriteTarget, error: number, bytes: WriteRequest['bytes']): boolean => {
    if (error !== 0) {
      // As an asynchronous failure would: the caller is in the middle of a fan-out.
      setImmediate(() => target.onWritten(true));
      return false;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return true;
    spare.oncomplete = onComplete;
    spare.bytes = bytes;
    spare.target = target;
    spare = new WriteWrap();
    return false;
  };

  return {
    name: 'handle',
    write(target, bytes) {
      const { handle } = target;
      return handle === null || settle(target, handle.writeBuffer(spare, bytes), bytes);
    },
    writeMany(target, chunks) {
      const { handle } = target;
      return handle === null || settle(target, handle.writev(spare, chunks, true), chunks);
    },
    writeEach(slots, from, to, bytes, messages) {
      for (let i = from; i < to; i++) {
        const slot = slots[i]!;
        const handle = slot < 0 ? null : handles[slot]!;
        if (handle === null) return i;
        const error = handle.writeBuffer(spare, bytes);
        if (error === 0 && streamBaseState[kLastWriteWasAsync] === 0) continue;
        const target = targets[slot]!;
        if (!settle(target, error, bytes)) target.block(bytes.length, messages);
      }
      return to;
    },
  };
}

/** The handle of a plain TCP socket with nothing queued in its stream; `null` when the stream has to be used. */
export function handleOf(socket: Socket): StreamHandle | null {
  const { _handle: handle } = socket as unknown as {
    _handle: (StreamHandle & { readonly constructor: { readonly name: string } }) | null;
  };
  const usable =
    handle != null &&
    handle.constructor.name === 'TCP' &&
    typeof handle.writeBuffer === 'function' &&
    typeof handle.writev === 'function' &&
    socket.writableLength === 0;
  return usable ? handle : null;
}

/** The fast writer of this process, when Node offers what it needs. */
export const fastWriter = handleWriter();
