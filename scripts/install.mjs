// Is what the lockfile names installed, and if not, install it: plain Node 20, no dependencies.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, progress } from './terminal.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node that everything runs on; the one that runs this script only bootstraps. */
export const nodeBin = join(root, 'node_modules', '.bin', 'node');

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Compares the lockfile with what npm says it has installed (`node_modules/.package-lock.json`). */
function isInstalled(dev) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record) || !existsSync(nodeBin)) return false;
  const installed = readJson(record).packages;
  return Object.entries(readJson(join(root, 'package-lock.json')).packages).every(([path, wanted]) => {
    if (path === '' || (!dev && (wanted.dev || wanted.devOptional))) return true;
    const have = installed[path];
    // Optional packages are for other platforms when they are absent.
    return have === undefined ? wanted.optional === true : have.version === wanted.version;
  });
}

/** Installs from the lockfile unless that has been done. `dev`: with what tests and checks need. */
export async function ensureInstalled({ dev }) {
  if (!existsSync(join(root, 'package-lock.json'))) return; // an installed package, not a checkout
  if (isInstalled(dev)) return;
  // npm would empty the folder that the link leads to, under everybody who uses it.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink())
    fail(
      'node_modules is a link to a folder without what package-lock.json names; install there, or remove the link',
    );
  const done = progress(dev ? 'installing packages, with those for tests' : 'installing packages (once)');
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
    ...(dev ? [] : ['--omit=dev']),
  ];
  const { code, output } = await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  if (code !== 0) {
    done('failed');
    fail(`the installation failed:\n${output.trim().split('\n').slice(-15).join('\n')}`);
  }
  // With `ignore-scripts` in somebody's npm settings the runtime is missing: its package fetches it in an install script.
  if (!existsSync(nodeBin))
    await run('npm', ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error']);
  if (!isInstalled(dev)) {
    done('incomplete');
    fail('the installation is incomplete: npm ci ended without an error, but packages are missing');
  }
  done(`${Object.keys(readJson(join(root, 'node_modules', '.package-lock.json')).packages).length} packages`);
}

/** Runs a command quietly. @returns its exit code and everything it printed */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-100_000);
      });
    }
    child.once('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
