import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** CPU ms by the name that the peer's script prints; empty when the peer is not there. */
export interface Peers {
  readonly numpy: ReadonlyMap<string, number>;
  readonly cpp: ReadonlyMap<string, number>;
}

/** Scripts of the peers, beside the repository. */
const scripts = resolve('..', 'shared', 'bench', 'risk');
const timeoutMs = 180_000;

/** Runs whatever peer is installed, one after the other, each on one thread; names those that are missing. */
export async function runPeers(): Promise<Peers> {
  const numpy = await attempt('numpy', async () => {
    const { stdout } = await exec('/usr/bin/python3', [script('peer_var.py')], {
      env: { ...process.env, OPENBLAS_NUM_THREADS: '1' },
      timeout: timeoutMs,
    });
    return parse(stdout, /^(.{62})\s+([\d.]+) ms cpu/gm);
  });
  const cpp = await attempt('C++', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'risk-bench-'));
    try {
      const program = join(folder, 'ref_var');
      const flags = ['-O3', '-march=native', '-mprefer-vector-width=512', '-ffast-math', '-std=c++17'];
      await exec('g++', [...flags, script('ref_var.cpp'), '-o', program], { timeout: timeoutMs });
      const { stdout } = await exec(program, [], { timeout: timeoutMs });
      return parse(stdout, /^(.+?): ([\d.]+) ms/gm);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  await attempt('R', async () => {
    const { stdout } = await exec('Rscript', [script('peer_var.R')], { timeout: timeoutMs });
    console.log(`\nR\n${indent(stdout)}`);
    return new Map();
  });
  await attempt('QuantLib', async () => {
    const { stdout } = await exec('/usr/bin/python3', [script('peer_quantlib.py')], { timeout: timeoutMs });
    console.log(`\nQuantLib\n${indent(stdout)}`);
    return new Map();
  });
  return { numpy, cpp };
}

function script(name: string): string {
  const path = join(scripts, name);
  if (!existsSync(path)) throw new Error(`${name} is not beside the repository`);
  return path;
}

async function attempt(
  name: string,
  run: () => Promise<ReadonlyMap<string, number>>,
): Promise<ReadonlyMap<string, number>> {
  try {
    return await run();
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    console.log(`missing: ${name} (${why})`);
    return new Map();
  }
}

const parse = (output: string, line: RegExp): Map<string, number> =>
  new Map([...output.matchAll(line)].map(([, name, ms]) => [name!.trim(), Number(ms)]));

const indent = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((l) => `  ${l}`)
    .join('\n');
