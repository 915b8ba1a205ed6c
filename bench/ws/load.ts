import { fileURLToPath } from 'node:url';
import { Child, type Tools } from './machine.js';

/** What both load clients print. */
export interface LoadResult {
  readonly opened: number;
  readonly closed: number;
  readonly msgs_per_s: number;
  /** CPU of the server per message that the client counted, µs. */
  readonly exec_us_per_msg: number;
  readonly total_missing: number;
  readonly rss_kb_per_conn: number;
  readonly connect_s: number;
  readonly client_idle: number;
  readonly lat_ms: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly error: string;
  /** Of the measured time: all CPU, the server's, the client's, what the host took (the C client only), seconds. */
  readonly window_s?: number;
  readonly all_busy_s?: number;
  readonly srv_exec_s?: number;
  readonly client_cpu_s?: number;
  /** Its share of a core. */
  readonly client_busy?: number;
  readonly steal_s?: number;
  /** What the server answered to `/stop`. */
  readonly stop: { readonly messages_per_write?: number };
}

export interface LoadOptions {
  readonly mode: 'fanout' | 'echo' | 'idle';
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  readonly pids: readonly number[];
  /** Port of `/start` and `/stop`, where it is not the server's own. */
  readonly control?: number;
  readonly start?: string;
  readonly inFlight?: number;
  /** Pings per second and connection, instead of a number in flight. */
  readonly rate?: number;
  readonly spin?: boolean;
  readonly socketIo?: boolean;
  /** The first so many connections stop reading when measuring starts. */
  readonly frozen?: number;
  readonly receiveBuffer?: number;
  readonly settleMs?: number;
  /** It is to be served before other clients on its core, which are not what it measures. */
  readonly ahead?: boolean;
}

function argumentsOf(options: LoadOptions): string[] {
  const out = ['--mode', options.mode, '--port', String(options.port), '--path', options.path];
  out.push('--conns', String(options.connections), '--duration', String(options.seconds));
  out.push('--pid', options.pids.join(','), '--core', '0', '--max-time', '60', '--warmup', '0.8');
  out.push('--settle', String(options.settleMs ?? 300));
  if (options.control !== undefined) out.push('--ctl-port', String(options.control));
  if (options.start !== undefined) out.push('--start', options.start);
  if (options.mode === 'fanout') out.push('--stop', '/stop', '--drain', '100');
  if (options.inFlight !== undefined) out.push('--inflight', String(options.inFlight));
  if (options.rate !== undefined) out.push('--rate', String(options.rate));
  if (options.spin) out.push('--spin');
  if (options.frozen !== undefined) out.push('--slow', String(options.frozen));
  if (options.receiveBuffer !== undefined) out.push('--rcvbuf', String(options.receiveBuffer));
  if (options.socketIo) out.push(...socketIoArguments);
  return out;
}

/** Makes the load client speak Socket.IO. */
export const socketIoArguments = ['--sio', '--echo-tmpl', '42["ping",{"type":"ping","timestamp":{ts}}]'];

/** The load client: the C one, or the bundled one in Node. */
export const loadClient = (tools: Tools): string[] =>
  tools.wsload === null
    ? [process.execPath, fileURLToPath(new URL('./load-client.js', import.meta.url))]
    : [tools.wsload];

/** Share of a core that something else than server and client used. */
export const disturbance = (r: LoadResult): number =>
  ((r.all_busy_s ?? 0) - (r.srv_exec_s ?? 0) - (r.client_cpu_s ?? 0) + (r.steal_s ?? 0)) / (r.window_s ?? 1);

/** Runs the load client; again when other work on the machine has spoiled the window. */
export async function load(tools: Tools, options: LoadOptions): Promise<LoadResult> {
  const first = await loadOnce(tools, options);
  if (disturbance(first) < 0.1 || options.mode === 'idle') return first;
  const second = await loadOnce(tools, options);
  return disturbance(second) < disturbance(first) ? second : first;
}

export async function loadOnce(tools: Tools, options: LoadOptions): Promise<LoadResult> {
  const client = new Child(tools, 1, [
    ...(options.ahead ? tools.ahead : []),
    ...loadClient(tools),
    ...argumentsOf(options),
  ]);
  const text = await client.output();
  try {
    return JSON.parse(text) as LoadResult;
  } catch {
    throw new Error(`the load client said: ${text.slice(0, 300)}`);
  }
}
