#!/usr/bin/env node
// `npx tidewatch <command>`: hands over to Node 26 in node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist', 'src');

function fail(message) {
  process.stderr.write(`tidewatch: ${message}\n`);
  process.exit(1);
}

/** Node 26 lies below us in a checkout, and wherever npm has put it in an installed package. */
function node26() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    return fail('not installed yet: run npm start (or npm ci) first');
  }
}

const node = node26();
if (!existsSync(join(dist, 'cli', 'cli.js'))) fail('not built yet: run npm start (or npm run build) first');
const { nodeOptions } = await import(join(dist, 'node-options.js'));
const args = [
  ...nodeOptions(),
  '--import',
  join(dist, 'instrumentation.js'),
  join(dist, 'cli', 'cli.js'),
  ...process.argv.slice(2),
];
const child = spawn(node, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => fail(`cannot run ${node}: ${error.message}`));
child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
