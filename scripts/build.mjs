// `npm run build`: TypeScript, the console's files and the collectors' data into dist/. Types are checked by `npm run
// check`, not here.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, nodeBin, root, run } from './install.mjs';
import { fail, progress, requireNode20 } from './terminal.mjs';

const sources = [
  'src',
  'collectors',
  'migrations',
  'bench',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/build.mjs',
  'scripts/transpile.mjs',
];
const dist = join(root, 'dist');
const stamp = join(dist, '.built-from');

/** Content, not times: a checkout or a copy changes times. */
function hashSources() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    try {
      const text = readFileSync(full);
      hash.update(`${path}\0${text.length}\0`).update(text);
    } catch (error) {
      if (error.code !== 'EISDIR') throw error;
      for (const name of readdirSync(full).sort()) visit(`${path}/${name}`);
    }
  };
  for (const path of sources) visit(path);
  return hash.digest('hex');
}

async function compile(args) {
  const { code, output } = await run(nodeBin, args);
  if (code !== 0) throw new Error(`\n${output.trim()}`);
}

/**
 * Builds when the sources have changed since the last build. `declarations` (for the library exports) cost time that a
 * start does not need.
 */
export async function ensureBuilt({ declarations = false } = {}) {
  if (!existsSync(join(root, 'src', 'main.ts'))) return; // an installed package holds dist only
  const now = hashSources();
  const built = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : [];
  if (built[0] === now && (!declarations || built[1] === 'declarations')) return;
  const done = progress('building');
  // Beside dist and then renamed: a server that runs from dist never sees half of a build, and files of deleted
  // sources do not stay.
  const next = join(root, `dist.next-${process.pid}`);
  mkdirSync(next, { recursive: true });
  try {
    await compile([join(root, 'scripts', 'transpile.mjs'), dist, next]);
    if (declarations) {
      const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const options = ['--noCheck', '--emitDeclarationOnly', '--incremental', 'false', '--outDir', next];
      await compile([compiler, '-p', 'tsconfig.build.json', ...options]);
    }
    cpSync(join(root, 'src', 'console', 'public'), join(next, 'src', 'console', 'public'), {
      recursive: true,
    });
    // Collectors that are written as data.
    cpSync(join(root, 'collectors'), join(next, 'collectors'), {
      recursive: true,
      filter: (path) => !path.includes('testdata') && (!extname(path) || path.endsWith('.yml')),
    });
    writeFileSync(join(next, '.built-from'), `${now} ${declarations ? 'declarations' : ''}`);
    mkdirSync(dist, { recursive: true });
    const old = join(root, `dist.old-${process.pid}`);
    renameSync(dist, old);
    renameSync(next, dist);
    rmSync(old, { recursive: true, force: true });
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    done('failed');
    fail(`the build failed: ${error.message}`);
  }
  done();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireNode20();
  await ensureInstalled({ dev: false });
  await ensureBuilt({ declarations: true });
}
