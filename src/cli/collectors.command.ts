import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import type { CollectorDefinition } from '../observability/collection/collector.js';
import type { Discovery } from '../observability/collection/discovery.js';
import type { DryRun } from '../observability/collection/dry-run.js';
import { configOf } from './command.js';

interface TestOptions {
  readonly runs: string;
  readonly json?: boolean;
}

/** Samples printed per metric. */
const samplesShown = 8;
/** After the last run, for what its timers throw. */
const lingerMs = 100;
const exitAfterMs = 1_000;

export function register(program: Command): void {
  const collectors = program.command('collectors').description('list, try out and make collector plugins');
  collectors
    .command('list')
    .description('every collector that the server would find, and those that it cannot use')
    .action(async (_options: unknown, command: Command) => list(await find(configOf(command))));
  collectors
    .command('test <name>')
    .description(
      'run a collector by itself: samples, cost, cardinality, schema errors; exit code 1 when it fails',
    )
    .option('--runs <count>', 'how many runs; what it reports as differences needs two', '2')
    .option('--json', 'as JSON')
    .action(async (name: string, options: TestOptions, command: Command) =>
      test(name, options, configOf(command)),
    );
  collectors
    .command('new <name>')
    .description('make a folder with a collector that runs, in DATA_DIR/collectors or in the folder given')
    .option('--dir <folder>', 'where to make it')
    .action(async (name: string, options: { dir?: string }, command: Command) => {
      const { scaffold } = await import('../observability/collection/scaffold.js');
      const { userFolders } = await import('../observability/collection/places.js');
      const folder = scaffold(options.dir ?? userFolders(configOf(command))[0], name);
      console.log(`made ${folder}\nnext: npx tidewatch collectors test ${name}`);
    });
}

async function find(config: Config): Promise<Discovery> {
  const { discover } = await import('../observability/collection/discovery.js');
  const { placesOf } = await import('../observability/collection/places.js');
  return discover(placesOf(config));
}

function list({ found, broken }: Discovery): void {
  const rows = found.map(({ definition: { manifest }, origin }) => [
    manifest.name,
    origin,
    `${manifest.intervalMs / 1000} s`,
    `${manifest.metrics.length} metrics`,
    manifest.description,
  ]);
  const width = (column: number) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));
  for (const row of rows) {
    console.log(row.map((cell, column) => (column === 4 ? cell : cell.padEnd(width(column)))).join('  '));
  }
  for (const { name, path, error } of broken) console.log(`\n✗ ${name} cannot be used: ${error}\n  ${path}`);
  if (broken.length > 0) process.exitCode = 1;
}

async function test(name: string, options: TestOptions, config: Config): Promise<void> {
  const { found, broken } = await find(config);
  const one = found.find(({ definition }) => definition.manifest.name === name);
  if (one === undefined) {
    const reason = broken.find((each) => each.name === name)?.error;
    throw new Error(
      reason ??
        `there is no collector "${name}"; there is ${found.map((f) => f.definition.manifest.name).join(', ')}`,
    );
  }
  const runs = Math.max(1, Number(options.runs) || 1);
  const { result, escaped } = await contained(() => tryOut(one.definition, runs, config));
  const wrong = wrongWith(result, escaped);
  if (options.json) console.log(JSON.stringify({ ...result, escaped, wrong }, null, 2));
  else print(result, wrong);
  process.exitCode = wrong.length > 0 ? 1 : 0;
  // Timers and sockets that the plugin left open must not keep the command.
  setTimeout(() => process.exit(), exitAfterMs).unref();
}

/** Why the exit code is 1. */
function wrongWith(result: DryRun, escaped: readonly string[]): readonly string[] {
  const { outcome, exceeded, cost, budget, cardinality, lint } = result;
  return [
    ...(outcome === 'success' || outcome === 'no_data' ? [] : [outcome ?? 'did not run']),
    ...escaped.map((message) => `escaped error: ${message}`),
    ...exceeded.map((key) => `over budget: ${key} ${cost[key].toFixed(1)} of ${budget[key]}`),
    ...cardinality
      .filter(({ folded }) => folded > 0)
      .map(({ metric, folded }) => `${metric}: ${folded} label sets folded into overflow`),
    ...lint,
  ];
}

/** Waits for the work whatever the plugin does: with timers that keep nobody alive, or errors that nobody catches. */
async function contained(work: () => Promise<DryRun>): Promise<{ result: DryRun; escaped: string[] }> {
  const { absorbCollectorFault } = await import('../observability/collection/collector-task.js');
  const { describe } = await import('../observability/collection/error-class.js');
  const escaped: string[] = [];
  const onFault = (error: unknown) => {
    if (!absorbCollectorFault(error)) {
      process.stderr.write(`tidewatch: ${describe(error)}\n`);
      process.exit(1);
    }
    escaped.push(describe(error));
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  const alive = setInterval(() => {}, 1_000);
  try {
    return { result: await work(), escaped };
  } finally {
    clearInterval(alive);
  }
}

/** Against the servers of the settings, else those of a running Tidewatch; without one, without. */
async function tryOut(definition: CollectorDefinition, runs: number, config: Config): Promise<DryRun> {
  const { dryRun } = await import('../observability/collection/dry-run.js');
  const { CollectorPool } = await import('../observability/collection/collector-database.js');
  const { readCollectorSettings } = await import('../observability/collection/collector-settings.js');
  const { Sources } = await import('../observability/collection/sources.js');
  const { runningPostgresUrl } = await import('../embedded/postgres-address.js');
  const { Redis } = await import('ioredis');
  const databaseUrl = config.get('DATABASE_URL') ?? runningPostgresUrl(config.get('DATA_DIR'));
  const redisUrl = config.get('REDIS_URL');
  const pool = databaseUrl === null ? null : new CollectorPool(databaseUrl, () => {});
  const redis = redisUrl === undefined ? null : new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  // Reported with the run that it fails.
  redis?.on('error', () => {});
  try {
    return await dryRun(definition, {
      clients: {
        pool,
        redis: redis === null ? null : { client: redis, mode: 'external' },
        sources: new Sources(),
      },
      config: readCollectorSettings(config.get('COLLECTORS_CONFIG'))[definition.manifest.name]?.config,
      runs,
      lingerMs,
      log: { debug() {}, info() {}, warn() {} },
    });
  } finally {
    redis?.disconnect();
    await pool?.end();
  }
}

function print(result: DryRun, wrong: readonly string[]): void {
  const { outcome, error, durationMs, cost, budget, exceeded } = result;
  const mark = wrong.length > 0 ? '✗' : outcome === 'success' ? '✓' : '–';
  console.log(`${mark} ${outcome ?? 'did not run'} in ${durationMs.toFixed(1)} ms`);
  if (error) console.log(`  ${error.class}${error.part ? ` in ${error.part}` : ''}: ${error.message}`);
  console.log('\ncost of the last run');
  for (const key of Object.keys(cost) as (keyof typeof cost)[]) {
    const over = exceeded.includes(key) ? '  over budget' : '';
    console.log(`  ${key.padEnd(14)} ${cost[key].toFixed(1).padStart(9)} of ${budget[key]}${over}`);
  }
  console.log('\nsamples');
  for (const { metric, samples } of result.samples) {
    for (const { labels, value } of samples.slice(0, samplesShown)) {
      const text = Object.entries(labels).map(([label, of]) => `${label}="${of}"`);
      console.log(`  ${metric}${text.length > 0 ? `{${text.join(',')}}` : ''} ${value}`);
    }
    if (samples.length > samplesShown) console.log(`  … ${samples.length - samplesShown} more of ${metric}`);
  }
  const lines = result.cardinality.reduce((sum, { series }) => sum + series, 0);
  console.log(`\ncardinality: ${lines} lines of a scrape`);
  if (result.silent.length > 0) console.log(`declared, without a value here: ${result.silent.join(', ')}`);
  for (const problem of wrong) console.log(`✗ ${problem}`);
}
