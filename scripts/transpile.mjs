// TypeScript → JavaScript, one file at a time, on several threads: `transpile.mjs <from> <to>`, run by Node 26. What has
// not changed since the build in <from> is taken from there. The sources are written for it (`isolatedModules`).
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = ['src', 'collectors', 'migrations', 'bench'];
const manifestName = '.transpiled.json';
/** Below this, starting threads takes longer than it saves. */
const filesPerThread = 80;

if (isMainThread) await main(resolve(process.argv[2]), resolve(process.argv[3]));
else await transpileAll(workerData);

async function main(from, to) {
  const settings = hash(
    ['tsconfig.json', 'tsconfig.build.json', 'node_modules/typescript/package.json'].map(read),
  );
  const known = readManifest(from, settings);
  const files = {};
  const changed = [];
  for (const path of folders.flatMap(sourcesIn)) {
    files[path] = hash([read(path)]);
    if (known[path] !== files[path] || !reuse(from, to, path)) changed.push(path);
  }
  const threads = Math.min(availableParallelism(), 4, Math.ceil(changed.length / filesPerThread));
  const shares = Array.from({ length: threads }, (_, i) => changed.filter((_, n) => n % threads === i));
  const errors = (await Promise.all(shares.map((paths) => inThread({ paths, to })))).flat();
  if (errors.length > 0) {
    console.error(errors.join('\n'));
    process.exit(1);
  }
  writeFileSync(join(to, manifestName), JSON.stringify({ settings, files }));
}

function inThread(task) {
  return new Promise((done, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.once('message', done);
    worker.once('error', reject);
  });
}

async function transpileAll({ paths, to }) {
  const { default: ts } = await import('typescript');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const compilerOptions = {
    ...options,
    declaration: false,
    incremental: false,
    tsBuildInfoFile: undefined,
    // NodeNext asks package.json, which a single file does not have; this one says `type: module`.
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const errors = [];
  for (const path of paths) {
    const output = join(to, path.replace(/\.ts$/, '.js'));
    // Where a debugger finds the source, seen from beside the output.
    const fileName = join(root, path);
    const result = ts.transpileModule(read(path), { compilerOptions, fileName, reportDiagnostics: true });
    for (const { messageText, start } of result.diagnostics ?? []) {
      errors.push(`${path} (at ${start}): ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
    }
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, result.outputText);
    const map = JSON.parse(result.sourceMapText);
    map.sources = [`${'../'.repeat(path.split('/').length)}${path}`];
    map.sourceRoot = '';
    writeFileSync(`${output}.map`, JSON.stringify(map));
  }
  parentPort.postMessage(errors);
}

function read(path) {
  return readFileSync(join(root, path), 'utf8');
}

function hash(texts) {
  const digest = createHash('sha256');
  for (const text of texts) digest.update(text).update('\0');
  return digest.digest('base64url');
}

function sourcesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();
}

function readManifest(from, settings) {
  const path = join(from, manifestName);
  const manifest = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  return manifest.settings === settings ? manifest.files : {};
}

/** @returns whether the earlier output was there to be taken */
function reuse(from, to, path) {
  const output = path.replace(/\.ts$/, '.js');
  if (!existsSync(join(from, output))) return false;
  mkdirSync(join(to, dirname(output)), { recursive: true });
  for (const name of [output, `${output}.map`]) copyFileSync(join(from, name), join(to, name));
  return true;
}
