import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A plugin folder for `name`, ready to run: the files by their names. */
function scaffoldOf(name: string): Readonly<Record<string, string>> {
  const metric = `tidewatch_${name.replaceAll('-', '_')}`;
  return {
    [`${name}.collector.mjs`]: `// A collector: see README.md beside it. \`npx tidewatch collectors test ${name}\` runs it once and prints everything.
export default ({ defineCollector, gauge, NoData, z }) => {
  const load = gauge('${metric}_average_ratio', 'Load average of the last minute over the cores of this machine.');

  return defineCollector({
    manifest: {
      name: '${name}',
      description: 'What it measures, and from where, in one sentence.',
      // Every field has a default: with no configuration at all it runs. Values come from COLLECTORS_CONFIG.
      config: z.strictObject({ cores: z.number().positive().default(1) }),
      metrics: [load],
      intervalMs: 15_000,
      timeoutMs: 5_000,
      budget: { dbMs: 0, redisCommands: 0, eventLoopMs: 5, samples: 10 },
    },
    // context: config, metrics, database, redis, fetch, sources, windows, clock, log, attempt
    create: ({ config, metrics }) => ({
      async collect(signal) {
        signal.throwIfAborted();
        const { loadavg } = await import('node:os');
        const [lastMinute] = loadavg();
        if (lastMinute === undefined) throw new NoData('this system has no load average');
        metrics.set(load, lastMinute / config.cores);
      },
    }),
  });
};
`,
    'README.md': `# ${name}

What it measures and why.

| metric | meaning |
|---|---|
| \`${metric}_average_ratio\` | load average of the last minute over the cores |

A metric with labels says what they may hold: \`gauge(name, help, { state: ['up', 'down'] })\` lists every value;
\`gauge(name, help, { table: 'bounded' }, { maxSeries: 50 })\` takes values from outside, and what is beyond the cap becomes one
series \`overflow\`.

Configuration, in the file that \`COLLECTORS_CONFIG\` names:

\`\`\`yaml
${name}:
  enabled: true
  interval_seconds: 15
  config:
    cores: 4
\`\`\`

Try it: \`npx tidewatch collectors test ${name}\`. The server finds this folder at its next start.
`,
  };
}

/**
 * Writes the files of {@link scaffoldOf}.
 * @returns the folder
 * @throws Error when the name does not fit or the folder exists
 */
export function scaffold(parent: string, name: string): string {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) throw new Error(`"${name}" is not a name in kebab-case`);
  const folder = join(parent, name);
  if (existsSync(folder)) throw new Error(`${folder} exists already`);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(scaffoldOf(name))) writeFileSync(join(folder, file), text);
  return folder;
}
