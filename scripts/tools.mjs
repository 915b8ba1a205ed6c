// Programs that the tests need and npm does not bring.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './install.mjs';
import { fail, progress } from './terminal.mjs';

/** Any of the programs will do; of the packages, the first that the distribution has is installed. */
const tools = {
  redis: { programs: ['redis-server', 'valkey-server'], packages: ['redis-server', 'valkey-server'] },
  promtool: { programs: ['promtool'], packages: ['prometheus'] },
  prometheus: { programs: ['prometheus'], packages: ['prometheus'] },
  alertmanager: {
    programs: ['prometheus-alertmanager', 'alertmanager'],
    packages: ['prometheus-alertmanager'],
  },
  'postgres exporter': {
    programs: ['prometheus-postgres-exporter'],
    packages: ['prometheus-postgres-exporter'],
  },
  'redis exporter': { programs: ['prometheus-redis-exporter'], packages: ['prometheus-redis-exporter'] },
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    packages: ['chromium', 'chromium-browser'],
  },
};

/** All that `npm test` needs. */
export const testTools = Object.keys(tools);

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
  const mayInstall = process.getuid?.() === 0 && findProgram(['apt-get']) !== undefined;
  const failure = mayInstall ? await aptInstall(absent) : '';
  const left = missing();
  if (left.length === 0) return;
  const what = left.map((name) => tools[name].programs.slice(0, 2).join(' or ')).join(', ');
  const apt = [...new Set(left.map((name) => tools[name].packages[0]))].join(' ');
  fail(
    mayInstall
      ? `apt-get could not install ${what}; install by hand what provides it${failure}`
      : `the tests need ${what} on the PATH, for example: sudo apt-get install ${apt}`,
  );
}

/** @returns what apt-get said when it failed */
async function aptInstall(names) {
  const wanted = [...new Set(names.map((name) => tools[name].packages[0]))];
  const done = progress(`installing ${wanted.join(', ')} with apt-get`);
  // The tests start servers of their own: the system's must not start because they were installed.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const apt = (...args) =>
      run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    const update = await apt('update');
    const packages = await Promise.all(names.map((name) => available(tools[name].packages)));
    const install = await apt('install', '-y', '--no-install-recommends', ...new Set(packages));
    if (install.code === 0) {
      done();
      return '';
    }
    done('failed');
    const log = `${update.code === 0 ? '' : update.output}\n${install.output}`.trim();
    return `:\n${log.split('\n').slice(-8).join('\n')}`;
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/** The first of the packages that apt could install; the first of all when none is known. */
async function available(packages) {
  for (const name of packages) {
    const { output } = await run('apt-cache', ['policy', name], { env: { ...process.env, LC_ALL: 'C' } });
    if (/^ +Candidate: (?!\(none\))/m.test(output)) return name;
  }
  return packages[0];
}
