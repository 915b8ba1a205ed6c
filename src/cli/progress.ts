import type { WriteStream } from 'node:tty';

/** One line that says what takes so long: rewritten in place on a terminal, printed once per step elsewhere. */
export class Progress {
  private readonly out: WriteStream;
  private shown = false;

  constructor(out: WriteStream) {
    this.out = out;
  }

  step(text: string): void {
    if (this.out.isTTY) {
      this.clear();
      this.out.write(`  ${text} …`);
      this.shown = true;
    } else {
      this.out.write(`  ${text} …\n`);
    }
  }

  clear(): void {
    if (this.shown) this.out.write('\r\u001b[2K');
    this.shown = false;
  }

  /** Writes lines without tearing the progress line. */
  print(text: string, to: NodeJS.WritableStream = this.out): void {
    this.clear();
    to.write(text);
  }
}
