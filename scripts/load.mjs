// `npm run load -- <profile> [target]`: drives a server with Artillery; exits 1 when a gate is missed. Without a target it
// takes the server that runs at the default address, or starts one of its own for as long as it lasts.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, nodeBin, root, run } from './install.mjs';
import { fail, progress, requireNode20 } from './terminal.mjs';

const folder = join(root, 'artillery');
const scenarios = { smoke: 'api-and-websocket.yml' };
const defaultTarget = 'http://127.0.0.1:8001';
/** A run that takes longer has hung. */
const limitMs = 30 * 60_000;

requireNode20();
const [profile = 'smoke', target] = process.argv.slice(2);
const known = readdirSync(join(folder, 'profiles')).map((name) => name.replace(/\.yml$/, ''));
if (!known.includes(profile)) fail(`no profile "${profile}"; there is ${known.join(', ')}`);
// Load is for a server of one's own: anything but loopback is refused.
if (target !== undefined && !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(target)) {
  fail(`${target} is not a loopback address`);
}

await ensureInstalled({ dev: false });
await ensureBuilt();
if (!existsSync(join(folder, 'node_modules', 'artillery'))) {
  const done = progress('installing Artillery (once)');
  const { code, output } = await run('npm', ['ci', '--no-audit', '--no-fund', '--no-progress'], {
    cwd: folder,
  });
  if (code !== 0) fail(`the installation of Artillery failed:\n${output.trim()}`);
  done();
}

const own = target === undefined && (await status(defaultTarget)) === 0 ? await startServer() : undefined;
const url = own?.url ?? target ?? defaultTarget;
let code = 1;
try {
  const ready = await status(url);
  if (ready === 200) code = await artillery(url);
  else console.error(`load: ${url} ${ready === 0 ? 'does not answer' : `is not ready (${ready})`}`);
} finally {
  await own?.stop();
}
process.exitCode = code;

function status(at) {
  return fetch(`${at}/health/ready`).then(
    (response) => response.status,
    () => 0,
  );
}

/** A server on a free port, with an empty folder and without the demo. */
async function startServer() {
  const done = progress('starting a server for the load');
  const dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-load-'));
  chmodSync(dataDir, 0o755);
  const dist = join(root, 'dist', 'src');
  const { nodeOptions } = await import(join(dist, 'node-options.js'));
  const args = [...nodeOptions(), '--import', join(dist, 'instrumentation.js'), join(dist, 'main.js')];
  const child = spawn(nodeBin, args, {
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0', DEMO: 'off' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit(1)));
  const address = await new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /Console\s+(http:\S+)/.exec(output);
      if (found) resolve(found[1]);
    });
    ended.then(() => resolve(null));
  });
  if (address === null) fail('the server did not start');
  done(address);
  return { url: address, stop };
}

function artillery(at) {
  const reports = join(folder, 'reports');
  mkdirSync(reports, { recursive: true });
  const args = ['run', '--config', join(folder, 'profiles', `${profile}.yml`), '--target', at];
  const report = ['--output', join(reports, `${profile}.json`)];
  const scenario = join(folder, 'scenarios', scenarios[profile] ?? `${profile}.yml`);
  const program = join(folder, 'node_modules', 'artillery', 'bin', 'run');
  return new Promise((resolve) => {
    const child = spawn(nodeBin, [program, ...args, ...report, scenario], {
      cwd: folder,
      stdio: 'inherit',
      timeout: limitMs,
      env: { ...process.env, ARTILLERY_DISABLE_TELEMETRY: 'true' },
    });
    child.once('error', () => resolve(1));
    child.once('exit', (exit) => resolve(exit ?? 1));
  });
}
