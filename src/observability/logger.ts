import { Injectable } from '@nestjs/common';
import { type Logger as PinoLogger, pino, type StreamEntry } from 'pino';
import { redact, redactText } from './redaction.js';
import { activeTraceId } from './tracing/tracing.js';

/** A pino logger: `log.info({ fields }, 'message')`. */
export type ModuleLogger = PinoLogger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * The process's log: JSON lines with the trace id of the sampled trace they were written in, secrets hidden. Each module
 * takes its own child, so that lines say where they come from and each can be made more or less talkative at run time.
 */
@Injectable()
export class Logger {
  private readonly root: PinoLogger;
  private readonly streams: ReturnType<typeof pino.multistream>;
  private readonly modules = new Map<string, PinoLogger>();

  constructor(level: string, streams: StreamEntry[]) {
    this.streams = pino.multistream(streams, { dedupe: false });
    this.root = pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        mixin: () => {
          const traceId = activeTraceId();
          return traceId === null ? {} : { trace_id: traceId };
        },
        formatters: { log: (fields) => redact(fields) as Record<string, unknown> },
        serializers: { err: redactedError },
        hooks: {
          logMethod(args, method) {
            method.apply(
              this,
              args.map((arg) => (typeof arg === 'string' ? redactText(arg) : arg)) as typeof args,
            );
          },
        },
      },
      this.streams,
    );
  }

  /** Writes nothing: for unit tests. */
  static silent(): Logger {
    return new Logger('silent', []);
  }

  /** From now on lines of this level and worse go there too. */
  addStream(entry: StreamEntry): void {
    this.streams.add(entry);
  }

  /** The logger of a module; the same one each time. */
  child(module: string): ModuleLogger {
    const known = this.modules.get(module);
    if (known !== undefined) return known;
    const made = this.root.child({ module });
    this.modules.set(module, made);
    return made;
  }

  /** The least severe line that each module writes. */
  levels(): Readonly<Record<string, LogLevel>> {
    return Object.fromEntries([...this.modules].map(([module, log]) => [module, log.level as LogLevel]));
  }

  /**
   * Changes at run time what a module writes.
   * @param module `null` for all, those to come included
   * @returns whether there is such a module
   */
  setLevel(module: string | null, level: LogLevel): boolean {
    if (module !== null) {
      const log = this.modules.get(module);
      if (log !== undefined) log.level = level;
      return log !== undefined;
    }
    this.root.level = level;
    for (const log of this.modules.values()) log.level = level;
    return true;
  }

  /** Waits until written lines have left this process; call before exiting. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.root.flush(() => resolve()));
  }
}

/** Connection errors like to quote the URL, password included. */
function redactedError(error: Error): unknown {
  const plain = pino.stdSerializers.err(error) as unknown as Record<string, unknown>;
  return redact({ ...plain });
}
