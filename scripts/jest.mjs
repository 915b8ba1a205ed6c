// Runs Jest on the npm-shipped Node 26 with ES modules enabled: `node scripts/jest.mjs [project] [jest args…]`.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { nodeBin, root } from './install.mjs';

const [first, ...rest] = process.argv.slice(2);
const projects = ['unit', 'drift', 'integration', 'e2e'];
// The option takes every word after it: last.
const args = projects.includes(first) ? [...rest, '--selectProjects', first] : process.argv.slice(2);
// End-to-end tests run what is in dist/.
if (args.includes('e2e')) await ensureBuilt();
const jestBin = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin', 'jest.js');
const child = spawn(nodeBin, ['--experimental-vm-modules', '--no-warnings', jestBin, ...args], {
  stdio: 'inherit',
  cwd: root,
});
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
