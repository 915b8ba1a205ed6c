import type { Connection } from './connection.js';

/** Connections are visited in this many groups per interval, so that pings are spread. */
const groups = 20;

/**
 * Pings every connection once per interval and ends those that have said nothing since the ping before. No timer runs
 * while there is no connection.
 */
export class Heartbeat {
  private readonly wheel: Set<Connection>[] = Array.from({ length: groups }, () => new Set());
  private at = 0;
  private count = 0;
  private timer: NodeJS.Timeout | null = null;
  /** Connections ended because their peer was gone. */
  dead = 0;

  constructor(private readonly intervalMs: number) {}

  add(connection: Connection): void {
    this.wheel[connection.id % groups]!.add(connection);
    this.count++;
    this.timer ??= setInterval(() => this.turn(), this.intervalMs / groups).unref();
  }

  delete(connection: Connection): void {
    if (this.wheel[connection.id % groups]!.delete(connection)) this.count--;
    if (this.count === 0) this.stop();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private turn(): void {
    this.at = (this.at + 1) % groups;
    for (const connection of this.wheel[this.at]!) {
      if (!connection.alive) {
        this.dead++;
        connection.terminate();
        continue;
      }
      connection.alive = false;
      connection.ping();
    }
  }
}
