import type { LoggerService } from '@nestjs/common';
import type { Logger, ModuleLogger } from './logger.js';

/** Nest's own lines in our log. Its start-up chatter (`log`) is worth `debug` here. */
export class NestLogger implements LoggerService {
  private readonly out: ModuleLogger;

  constructor(logger: Logger) {
    this.out = logger.child('nest');
  }

  log(message: unknown, context?: unknown): void {
    this.out.debug({ context }, text(message));
  }
  warn(message: unknown, context?: unknown): void {
    this.out.warn({ context }, text(message));
  }
  error(message: unknown, stack?: unknown, context?: unknown): void {
    // Thrown out of the start or the use of the application: whoever called it says it, once.
    if (stack === 'ExceptionHandler' || context === 'ExceptionHandler')
      this.out.info({ err: message }, 'failed');
    else if (message instanceof Error) this.out.error({ err: message, context }, message.message);
    else this.out.error({ stack, context }, text(message));
  }
  fatal(message: unknown, context?: unknown): void {
    this.out.fatal({ context }, text(message));
  }
  debug(message: unknown, context?: unknown): void {
    this.out.debug({ context }, text(message));
  }
  verbose(message: unknown, context?: unknown): void {
    this.out.trace({ context }, text(message));
  }
}

const text = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message));
