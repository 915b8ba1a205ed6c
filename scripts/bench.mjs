// `npm run bench -- <name> [args…]`: builds, then runs bench/<name>.bench.ts; without a name, all of them.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, nodeBin, root } from './install.mjs';
import { fail, requireNode20 } from './terminal.mjs';

requireNode20();
const folder = join(root, 'bench');
const known = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace(/\.bench\.ts$/, ''))
  .sort();
const [name, ...args] = process.argv.slice(2);
if (name === '--list') {
  console.log(known.join('\n'));
  process.exit(0);
}
if (name !== undefined && !known.includes(name))
  fail(`no benchmark "${name}"; there is ${known.join(', ') || 'none yet'}`);
if (known.length === 0) fail('there is no benchmark yet');

await ensureInstalled({ dev: true });
await ensureBuilt();
let failed = 0;
for (const each of name === undefined ? known : [name]) {
  console.log(`\n── ${each}`);
  const file = pathToFileURL(join(root, 'dist', 'bench', `${each}.bench.js`)).href;
  // A process each: what one leaves in the heap and in the optimiser must not colour the next.
  const script = `import { run } from ${JSON.stringify(file)}; await run(process.argv.slice(1));`;
  const child = spawn(nodeBin, ['--expose-gc', '--input-type=module', '-e', script, '--', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const code = await new Promise((resolve) => child.once('exit', (status) => resolve(status ?? 1)));
  if (code !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
