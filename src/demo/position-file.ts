import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { MarketPosition } from './demo-market.js';

const schema = z.object({ date: z.iso.date(), step: z.int().min(0) });

/** Where the replay was when the process ended, however it ended: a small file that is replaced whole. */
export class PositionFile {
  private written = '';

  constructor(private readonly path: string) {}

  /** `null` when there is none, or none that can be read: then the replay begins at a day that is known otherwise. */
  read(): MarketPosition | null {
    try {
      return schema.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch {
      return null;
    }
  }

  /** @throws what the file system throws */
  write(position: MarketPosition): void {
    const text = JSON.stringify(position);
    if (text === this.written) return;
    const draft = `${this.path}.new`;
    writeFileSync(draft, text);
    renameSync(draft, this.path);
    this.written = text;
  }
}
