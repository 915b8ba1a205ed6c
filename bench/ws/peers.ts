import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeOptions } from '../../src/node-options.js';
import { Child, freePort, type Tools } from './machine.js';

/** A server under load. */
export interface Running {
  readonly port: number;
  /** Where `/start` and `/stop` are. */
  readonly control: number;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  readonly fanPath: string;
  readonly pingPath: string | null;
  readonly socketIo: boolean;
  start(): Promise<Running>;
}

const alone = async (tools: Tools, command: (port: number) => string[], env = {}): Promise<Running> => {
  const port = await freePort();
  const child = await new Child(tools, 0, command(port), env).listening(port);
  return { port, control: port, pids: [child.pid], stop: () => child.end() };
};

/** Tidewatch's own broadcast stage. */
export const ours = (tools: Tools, env: NodeJS.ProcessEnv = {}): Peer => ({
  name: 'tidewatch',
  fanPath: '/ws',
  pingPath: '/ws/system/health',
  socketIo: false,
  start: () =>
    alone(
      tools,
      (port) => [
        process.execPath,
        ...nodeOptions(),
        '--expose-gc',
        fileURLToPath(new URL('./server.js', import.meta.url)),
        `${port}`,
      ],
      env,
    ),
});

const floor = (tools: Tools, name: string, program: string | null): Peer | null =>
  program === null
    ? null
    : {
        name,
        fanPath: '/ws',
        pingPath: '/echo',
        socketIo: false,
        start: () => alone(tools, (port) => [program, `${port}`]),
      };

export const floorOf = (tools: Tools): Peer | null => floor(tools, 'C floor', tools.floor);

export const floorOfOurMessages = (tools: Tools): Peer | null =>
  floor(tools, 'C floor, our messages', tools.floorOfOurMessages);

/** No server, but what a server in Node could reach at best: one write to libuv's handle per socket and nothing else. */
export const bareNode = (tools: Tools): Peer[] =>
  tools.peers === null
    ? []
    : [
        {
          name: 'bare Node',
          fanPath: '/ws',
          pingPath: '/echo',
          socketIo: false,
          start: () =>
            alone(tools, (port) => [
              process.execPath,
              '--no-warnings',
              join(tools.peers!, 'node_limit.js'),
              `${port}`,
              'handle',
            ]),
        },
      ];

const canResolve = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
};

/** The peers of this machine, and the names of those that it does not have. */
export function peersOf(tools: Tools): { peers: Peer[]; missing: string[] } {
  const peers: Peer[] = [];
  const missing: string[] = [];
  const folder = tools.peers;
  // A peer may be installed in a folder of its own: the project does not depend on it.
  const env = { NODE_PATH: [resolve('node_modules'), process.env.NODE_PATH].filter(Boolean).join(delimiter) };
  const script =
    (file: string, ...args: string[]) =>
    (port: number) => [
      process.execPath,
      '--no-warnings',
      '--expose-gc',
      join(folder!, file),
      `${port}`,
      ...args,
    ];
  if (folder === null) missing.push('ws, Socket.IO, nchan (their servers stand in the harness)');
  else {
    peers.push({
      name: 'ws',
      fanPath: '/ws',
      pingPath: '/echo',
      socketIo: false,
      start: () => alone(tools, script('ws.js', 'naive'), env),
    });
    if (canResolve('socket.io')) {
      const path = '/socket.io/?EIO=4&transport=websocket';
      peers.push({
        name: 'Socket.IO',
        fanPath: path,
        pingPath: path,
        socketIo: true,
        start: () => alone(tools, script('socketio.js'), env),
      });
    } else missing.push('Socket.IO');
    if (tools.nginxWithNchan !== null && existsSync(join(folder, 'nchan.conf.in'))) {
      peers.push({
        name: 'nchan',
        fanPath: '/sub?id=t',
        pingPath: null,
        socketIo: false,
        start: () => nchan(tools, folder),
      });
    } else missing.push('nchan (nginx with its module)');
  }
  return { peers, missing };
}

/** nginx with nchan; its messages come from a publisher on the client's core. */
async function nchan(tools: Tools, folder: string): Promise<Running> {
  const [port, control] = [await freePort(), await freePort()];
  const config = join(tools.temp, `nchan-${port}.conf`);
  chmodSync(tools.temp, 0o755);
  writeFileSync(
    config,
    readFileSync(join(folder, 'nchan.conf.in'), 'utf8')
      .replaceAll('@PORT@', `${port}`)
      .replaceAll('@DIR@', tools.temp),
  );
  const server = await new Child(tools, 0, [tools.nginxWithNchan!, '-c', config]).listening(port);
  const publisher = new Child(tools, 1, [
    process.execPath,
    join(folder, 'pub.js'),
    `${control}`,
    'nchan',
    `${port}`,
  ]);
  await publisher.listening(control);
  return {
    port,
    control,
    pids: server.workers,
    async stop() {
      await publisher.end();
      await server.end();
    },
  };
}
