// `npm run generate`: writes the files that follow from data in the sources. Every src/**/*.artefact.ts, and dashboards/, exports
// `artefacts(): Promise<readonly { path, text }[]>`, paths from the root; a drift test compares them with what is committed.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, nodeBin, root } from './install.mjs';
import { requireNode20 } from './terminal.mjs';

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === '--write') {
  for (const file of readdirSync(join(root, 'dist', 'src'), { recursive: true }).sort()) {
    if (!file.endsWith('.artefact.js')) continue;
    const { artefacts } = await import(pathToFileURL(join(root, 'dist', 'src', file)).href);
    for (const { path, text } of await artefacts()) write(join(root, path), path, text);
  }
  // Dashboards are no part of the server, so they are not built: Node reads their sources.
  await import('../test/harness/typescript-sources.mjs');
  const { artefacts } = await import('../dashboards/dashboards.artefact.ts');
  for (const { path, text } of await artefacts()) write(join(root, path), path, text);
} else {
  requireNode20();
  await ensureInstalled({ dev: true });
  await ensureBuilt();
  const child = spawn(nodeBin, [self, '--write'], { cwd: root, stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

function write(full, path, text) {
  let before;
  try {
    before = readFileSync(full, 'utf8');
  } catch {
    // It did not exist yet.
  }
  if (before === text) return;
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  console.log(`${before === undefined ? 'made   ' : 'changed'} ${path}`);
}
