// `npm run check`: what a review expects green. Format, lint, types, unit tests, drift, alert rules.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, nodeBin, root } from './install.mjs';
import { requireNode20 } from './terminal.mjs';
import { ensureTools } from './tools.mjs';

requireNode20();
await ensureInstalled({ dev: true });
const rules = yamlFiles('alerts/rules');
const ruleTests = yamlFiles('alerts/tests');
if (rules.length > 0) await ensureTools(['promtool']);

const bin = (name) => join(root, 'node_modules', '.bin', name);
const steps = [
  ['format and lint', bin('biome'), 'check', '--error-on-warnings', '.'],
  ['types', nodeBin, bin('tsc'), '-p', 'tsconfig.json', '--noEmit'],
  [
    'unit and drift',
    process.execPath,
    'scripts/jest.mjs',
    '--selectProjects',
    'unit',
    'drift',
    '--reporters=summary',
  ],
  ...(rules.length > 0 ? [['alert rules', 'promtool', 'check', 'rules', '--lint=all', ...rules]] : []),
  ...(ruleTests.length > 0 ? [['alert rule tests', 'promtool', 'test', 'rules', ...ruleTests]] : []),
];

const failed = [];
for (const [name, command, ...args] of steps) {
  console.log(`\n── ${name}`);
  const begun = Date.now();
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.once('error', () => resolve(127));
    child.once('exit', (status) => resolve(status ?? 1));
  });
  if (code !== 0) failed.push(name);
  console.log(`${code === 0 ? '✓' : '✗'} ${name}, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}
console.log(failed.length === 0 ? '\nEverything is green.' : `\nFailed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;

function yamlFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.yml'));
  return names.map((name) => join(folder, name));
}
