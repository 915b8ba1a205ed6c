import { z } from 'zod';
import {
  type CollectorContext,
  defineCollector,
  infoNumber,
  NoData,
  parseRedisInfo,
  type RedisInfo,
} from '../../src/observability/collection/collector.js';
import { observeCommands } from './command-latency.js';
import * as m from './redis.metrics.js';

type Command = (typeof m.commands)[number];
const known = new Set<string>(m.commands);
const commandOf = (name: string): Command => (known.has(name) ? (name as Command) : 'other');

export default defineCollector({
  manifest: {
    name: 'redis',
    description: 'Redis: latency of every command of this process, clients, traffic, slow log, persistence.',
    config: z.strictObject({}),
    metrics: m.metrics,
    intervalMs: 10_000,
    timeoutMs: 4_000,
    budget: { dbMs: 0, redisCommands: 3, eventLoopMs: 5, samples: 200 },
    burst: { alerts: ['Redis*'], intervalMs: 2_000 },
  },
  create: (context: CollectorContext) => {
    const { metrics, redis } = context;
    const seconds = bound((command) => metrics.histogram(m.commandSeconds, { command }));
    const errors = bound((command) => metrics.counter(m.commandErrors, { command }));
    let endObservation = () => {};
    return {
      start() {
        if (redis === null) return;
        endObservation = observeCommands({
          took: (command, time) => seconds(command).observe(time),
          failed: (command) => errors(command).inc(),
        });
      },
      async collect() {
        if (redis === null) throw new NoData('no Redis is configured');
        try {
          await redis.call('PING');
          metrics.set(m.up, 1);
        } catch {
          // A Redis that is away is what this collector is there to say: a result, not a failure of the run.
          metrics.set(m.up, 0);
          return;
        }
        reportServer(context, parseRedisInfo(String(await redis.call('INFO'))));
        await context.attempt('slow-log', async () => {
          metrics.set(m.slowLog, Number(await redis.call('SLOWLOG', 'LEN')));
        });
      },
      stop: () => endObservation(),
    };
  },
});

/** Binds a series per command with its first use: most commands never come. */
function bound<H>(bind: (command: Command) => H): (command: string) => H {
  const handles = new Map<Command, H>();
  return (name) => {
    const command = commandOf(name);
    const handle = handles.get(command) ?? bind(command);
    handles.set(command, handle);
    return handle;
  };
}

export function reportServer({ metrics }: Pick<CollectorContext, 'metrics'>, info: RedisInfo): void {
  const number = (name: string) => infoNumber(info, name);
  metrics.set(m.clients, number('connected_clients'), { state: 'connected' });
  metrics.set(m.clients, number('blocked_clients'), { state: 'blocked' });
  metrics.set(m.serverCommands, number('total_commands_processed'));
  metrics.set(m.serverConnections, number('total_connections_received'));
  metrics.set(m.rejectedConnections, number('rejected_connections'));
  metrics.set(m.networkBytes, number('total_net_input_bytes'), { direction: 'in' });
  metrics.set(m.networkBytes, number('total_net_output_bytes'), { direction: 'out' });
  metrics.set(m.uptime, number('uptime_in_seconds'));
  metrics.set(m.pubsubChannels, number('pubsub_channels'));
  const saves = [info.get('rdb_last_bgsave_status'), info.get('aof_last_write_status')];
  metrics.set(m.persistenceFailed, saves.some((status) => status !== undefined && status !== 'ok') ? 1 : 0);
}
