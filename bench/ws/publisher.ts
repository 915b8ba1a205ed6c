/** The publish schedule of the load runs: a rate, or as fast as the sockets drain. */
export class Publisher {
  private on = false;
  private rate = 0;
  private burst = 1;
  private size = 200;
  private startedMs = 0;
  private ticks = 0;
  private published = 0;
  private seq = 0;
  private receivers: { queuedBytes: number }[] = [];
  private readonly pads = new Map<number, string>();

  constructor(
    private readonly publish: (data: unknown) => void,
    /** True while something that was published has not been written. */
    private readonly busy: () => boolean,
    private readonly sockets: () => { queuedBytes: number }[],
  ) {}

  start(query: Readonly<Record<string, string>>): Record<string, never> {
    this.rate = Number(query.rate ?? 10);
    this.burst = Number(query.burst ?? 1);
    this.size = Number(query.size ?? 200);
    this.startedMs = performance.now();
    this.ticks = 0;
    this.published = 0;
    this.on = true;
    this.receivers = this.sockets();
    setImmediate(this.rate > 0 ? this.paced : this.pump);
    return {};
  }

  stop(): { published: number } {
    this.on = false;
    return { published: this.published };
  }

  private readonly paced = (): void => {
    if (!this.on) return;
    const everyMs = (1000 * this.burst) / this.rate;
    const elapsedMs = performance.now() - this.startedMs;
    for (let n = 0; this.ticks * everyMs <= elapsedMs && n < 64; n++) {
      this.once();
      this.ticks++;
    }
    // Sleeps until the next is due, as the floor does: a timer every millisecond would count as the server's work.
    setTimeout(this.paced, Math.max(1, this.ticks * everyMs - elapsedMs));
  };

  private readonly pump = (): void => {
    if (!this.on) return;
    if (this.busy()) setImmediate(this.pump);
    else if (this.blocked()) setTimeout(this.pump, 1);
    else {
      this.once();
      setImmediate(this.pump);
    }
  };

  private once(): void {
    for (let i = 0; i < this.burst; i++) {
      const seq = ++this.seq;
      // What stands around the data in a message of this topic takes about this much.
      const pad = this.size - 90 - String(seq).length * 2;
      let text = this.pads.get(pad);
      if (text === undefined) {
        text = 'x'.repeat(Math.max(0, pad));
        this.pads.set(pad, text);
      }
      this.publish({ seq, pad: text });
    }
    this.published += this.burst;
  }

  /** True while one socket is not drained: what the floor waits for, too. */
  private blocked(): boolean {
    for (const { queuedBytes } of this.receivers) if (queuedBytes > 0) return true;
    return false;
  }
}
