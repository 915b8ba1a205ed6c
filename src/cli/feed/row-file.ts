import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type BodyFormat, pointParser, tickParser } from '../../ingest/body-format.js';
import type { PushParser } from '../../ingest/parse/push-parser.js';
import { RowBatch } from '../../ingest/parse/row-batch.js';
import { StartupError } from '../../startup-error.js';

export type RowKindName = 'ticks' | 'metrics';
export type Compression = 'gzip' | 'zstd' | 'none';

/** Bytes parsed between two turns of the event loop. */
const chunkSize = 64 * 1024;

/** How long a first record may be for its format to be recognised. */
const headBytes = 64 * 1024;

/** A file of rows, whatever it is written in. */
export class RowFile {
  /** Bytes of the file (as it is on disk) that were read. */
  bytesRead = 0;
  ignoredColumns: readonly string[] = [];

  private constructor(
    readonly path: string,
    readonly kind: RowKindName,
    readonly size: number,
    readonly compression: Compression,
    readonly format: BodyFormat,
  ) {}

  /** Recognises compression by its magic number and the format by the first byte and the name. @throws StartupError */
  static async open(path: string, kind: RowKindName): Promise<RowFile> {
    try {
      const { size } = await stat(path);
      const compression = await compressionOf(path);
      const head = await readHead(path, compression);
      return new RowFile(path, kind, size, compression, formatOf(path, head, kind));
    } catch (error) {
      if (error instanceof StartupError) throw error;
      throw new StartupError(`cannot read ${path}: ${(error as Error).message}`);
    }
  }

  /** Its rows, chunk by chunk. @throws StartupError when it is not what it seemed to be */
  async *batches<Row>(): AsyncGenerator<RowBatch<Row>> {
    const parser = this.parser<Row>();
    this.bytesRead = 0;
    try {
      for await (const chunk of decompressed(this.path, this.compression, (n) => {
        this.bytesRead += n;
      })) {
        const batch = new RowBatch<Row>();
        parser.push(chunk, batch);
        if ('ignoredColumns' in parser) this.ignoredColumns = parser.ignoredColumns as readonly string[];
        yield batch;
      }
      const last = new RowBatch<Row>();
      parser.end(last);
      yield last;
    } catch (error) {
      throw new StartupError(`${this.path}: ${(error as Error).message}`);
    }
  }

  /** SHA-256 of its rows as they are written, whatever compressed them: `x.csv` and `x.csv.gz` are one file. */
  async digest(): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of decompressed(this.path, this.compression, () => undefined)) hash.update(chunk);
    return hash.digest('hex');
  }

  private parser<Row>(): PushParser<Row> {
    const parser = this.kind === 'ticks' ? tickParser(this.format) : pointParser(this.format, 'ns', Date.now);
    return parser as PushParser<unknown> as PushParser<Row>;
  }
}

async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead >= 2 && buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
    return bytesRead === 4 && buffer.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
  } finally {
    await file.close();
  }
}

async function readHead(path: string, compression: Compression): Promise<string> {
  let head = '';
  for await (const chunk of decompressed(path, compression, () => undefined)) {
    head += chunk.toString('latin1');
    if (head.length >= headBytes || head.trim() !== '') break;
  }
  return head.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
}

function formatOf(path: string, head: string, kind: RowKindName): BodyFormat {
  if (head === '') throw new StartupError(`${path} is empty`);
  if (head.startsWith('{')) return /^\{\s*"(?:ticks|points)"\s*:/.test(head) ? 'json' : 'ndjson';
  const firstLine = head.split('\n', 1)[0]!;
  if (kind === 'metrics' && /^[^,\s"]+(?:,[^\s]+)? [^\s=]+=/.test(firstLine)) return 'line-protocol';
  if (/[,;\t]/.test(firstLine)) return 'csv';
  throw new StartupError(`${path} is neither CSV with a header nor NDJSON`);
}

async function* decompressed(
  path: string,
  compression: Compression,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const file: ReadStream = createReadStream(path, { highWaterMark: chunkSize });
  file.on('data', (chunk) => onRead(chunk.length));
  if (compression === 'none') {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  const decoder = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  file.once('error', (error) => decoder.destroy(error));
  try {
    yield* file.pipe(decoder) as AsyncIterable<Buffer>;
  } finally {
    file.destroy();
  }
}
