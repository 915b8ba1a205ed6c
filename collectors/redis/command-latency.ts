import { tracingChannel } from 'node:diagnostics_channel';

/** What ioredis publishes about one command. */
interface CommandContext {
  readonly command: string;
  error?: unknown;
}

export interface CommandObserver {
  took(command: string, seconds: number): void;
  failed(command: string): void;
}

/**
 * Times every command of every ioredis client of the process through the diagnostics channel that ioredis publishes on:
 * nothing is patched, and nothing is timed while nobody listens.
 * @returns ends it
 */
export function observeCommands(observer: CommandObserver): () => void {
  const channel = tracingChannel<CommandContext>('ioredis:command');
  const startedAt = new WeakMap<object, number>();
  const subscribers = {
    start: (context: CommandContext) => {
      startedAt.set(context, performance.now());
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (context: CommandContext) => {
      const start = startedAt.get(context);
      if (start !== undefined) observer.took(context.command, (performance.now() - start) / 1000);
    },
    error: (context: CommandContext) => observer.failed(context.command),
  };
  channel.subscribe(subscribers);
  return () => channel.unsubscribe(subscribers);
}
