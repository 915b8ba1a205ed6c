import type { WriteStream } from 'node:tty';

/** Redraws at most this often on a terminal, and says a line this often elsewhere. */
const redrawMs = 100;
const reportMs = 10_000;
const width = 28;

/** How far a long command is: a bar on a terminal, now and then a line elsewhere. */
export class ProgressBar {
  private drawnAt = 0;
  private isDrawn = false;

  constructor(
    private readonly out: WriteStream,
    private readonly now: () => number = Date.now,
  ) {
    // Elsewhere the first line comes after the first interval.
    if (!out.isTTY) this.drawnAt = now();
  }

  /** @param done share from 0 to 1 @param text what is counted */
  show(done: number, text: () => string): void {
    const now = this.now();
    if (now - this.drawnAt < (this.out.isTTY ? redrawMs : reportMs)) return;
    this.drawnAt = now;
    const share = Math.min(1, Math.max(0, done));
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    if (!this.out.isTTY) {
      this.out.write(`${percent}  ${text()}\n`);
      return;
    }
    const filled = Math.round(share * width);
    const bar = '█'.repeat(filled) + '░'.repeat(width - filled);
    const line = `${bar} ${percent}  ${text()}`;
    this.out.write(`\r\u001b[2K${line.slice(0, Math.max(20, this.out.columns ?? 80) - 1)}`);
    this.isDrawn = true;
  }

  /** Writes lines above the bar. */
  print(text: string): void {
    this.clear();
    this.out.write(`${text}\n`);
  }

  clear(): void {
    if (this.isDrawn) this.out.write('\r\u001b[2K');
    this.isDrawn = false;
    this.drawnAt = this.out.isTTY ? 0 : this.drawnAt;
  }
}
