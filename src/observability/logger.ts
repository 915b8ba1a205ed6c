import { Injectable } from '@nestjs/common';
import { type Logger as PinoLogger, pino, type StreamEntry } from 'pino';

/** A pino logger: `log.info({ fields }, 'message')`. */
export type ModuleLogger = PinoLogger;

/** The process's log. Each module takes its own child, so that lines say where they come from. */
@Injectable()
export class Logger {
  private readonly root: PinoLogger;

  constructor(level: string, streams: StreamEntry[]) {
    this.root = pino(
      { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
      pino.multistream(streams, { dedupe: false }),
    );
  }

  /** Writes nothing: for unit tests. */
  static silent(): Logger {
    return new Logger('silent', []);
  }

  child(module: string): ModuleLogger {
    return this.root.child({ module });
  }

  /** Waits until written lines have left this process; call before exiting. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.root.flush(() => resolve()));
  }
}
