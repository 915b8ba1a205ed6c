// `npm start`: installs, builds, and hands over to the server on Node 26. Runs on any Node ≥ 20, without dependencies.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, nodeBin, root } from './install.mjs';
import { fail, requireNode20 } from './terminal.mjs';

requireNode20();
await ensureInstalled({ dev: false });
await ensureBuilt();

const dist = join(root, 'dist', 'src');
const { nodeOptions } = await import(join(dist, 'node-options.js'));
const server = spawn(
  nodeBin,
  [
    ...nodeOptions(),
    '--import',
    join(dist, 'instrumentation.js'),
    join(dist, 'main.js'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
// The server decides how to stop. It may get a signal twice, from the terminal and from here; it takes that as one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.once('error', (error) => fail(`cannot run ${nodeBin}: ${error.message}`));
server.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
