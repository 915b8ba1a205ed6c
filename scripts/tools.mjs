// Programs that the tests need and npm does not bring.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './install.mjs';
import { fail, progress } from './terminal.mjs';

const tools = {
  redis: { programs: ['redis-server', 'valkey-server'], packages: ['redis-server'] },
  promtool: { programs: ['promtool'], packages: ['prometheus'] },
  prometheus: { programs: ['prometheus'], packages: ['prometheus'] },
  alertmanager: {
    programs: ['prometheus-alertmanager', 'alertmanager'],
    packages: ['prometheus-alertmanager'],
  },
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    packages: ['chromium'],
  },
};

/** Path of the first of the programs that is on the PATH, or `undefined`. */
export function findProgram(programs) {
  for (const program of programs) {
    for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return join(folder, program);
      } catch {
        // not in this folder
      }
    }
  }
  return undefined;
}

/** Finds the tools, installing what is missing where that is possible; otherwise names it and ends with code 1. */
export async function ensureTools(names) {
  const missing = () => names.filter((name) => findProgram(tools[name].programs) === undefined);
  const absent = missing();
  if (absent.length === 0) return;
  const packages = absent.flatMap((name) => tools[name].packages);
  const mayInstall = process.getuid?.() === 0 && findProgram(['apt-get']) !== undefined;
  if (mayInstall) await aptInstall(packages);
  const left = missing();
  if (left.length === 0) return;
  const what = left.map((name) => tools[name].programs.slice(0, 2).join(' or ')).join(', ');
  const apt = left.flatMap((name) => tools[name].packages).join(' ');
  fail(
    mayInstall
      ? `apt-get could not install ${what}; install by hand what provides it`
      : `the tests need ${what} on the PATH, for example: sudo apt-get install ${apt}`,
  );
}

async function aptInstall(packages) {
  const done = progress(`installing ${packages.join(', ')} with apt-get`);
  // The tests start servers of their own: the system's must not start because they were installed.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const update = await run('apt-get', ['update', '-q'], { env });
    const install = await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
      env,
    });
    if (install.code === 0) return done();
    done('failed');
    const log = `${update.code === 0 ? '' : update.output}\n${install.output}`;
    process.stderr.write(`${log.trim().split('\n').slice(-8).join('\n')}\n`);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
