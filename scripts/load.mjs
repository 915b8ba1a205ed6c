// `npm run load -- <profile> [target]`: drives a running server with Artillery; exits 1 when a gate is missed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'artillery');
const scenarios = { smoke: 'api-and-websocket.yml' };

function fail(line) {
  console.error(`load: ${line}`);
  process.exit(2);
}

const [profile = 'smoke', target = 'http://127.0.0.1:8001'] = process.argv.slice(2);
const known = readdirSync(join(folder, 'profiles')).map((name) => name.replace(/\.yml$/, ''));
if (!known.includes(profile)) fail(`no profile "${profile}"; there is ${known.join(', ')}`);
// Load is for a server of one's own: anything but loopback is refused.
if (!/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(target))
  fail(`${target} is not a loopback address`);

try {
  const answer = await fetch(`${target}/health/ready`);
  if (!answer.ok) fail(`${target} is not ready (${answer.status})`);
} catch {
  fail(`nothing answers at ${target}: start the server first (npm start)`);
}

if (!existsSync(join(folder, 'node_modules', 'artillery'))) {
  console.log('load: installing Artillery (first run only) …');
  const install = spawnSync('npm', ['ci'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (install.status !== 0) fail('the installation of Artillery failed');
}

const reports = join(folder, 'reports');
mkdirSync(reports, { recursive: true });
const run = spawnSync(
  join(root, 'node_modules', '.bin', 'node'),
  [
    join(folder, 'node_modules', 'artillery', 'bin', 'run'),
    'run',
    '--config',
    join(folder, 'profiles', `${profile}.yml`),
    '--target',
    target,
    '--output',
    join(reports, `${profile}.json`),
    join(folder, 'scenarios', scenarios[profile] ?? `${profile}.yml`),
  ],
  { cwd: folder, stdio: 'inherit', env: { ...process.env, ARTILLERY_DISABLE_TELEMETRY: 'true' } },
);
process.exit(run.status ?? 1);
