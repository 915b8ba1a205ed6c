import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBenchStore, startServer } from './store/bench-store.js';
import { copySection } from './store/copy-section.js';
import { crashSection } from './store/crash-section.js';
import { historySection } from './store/history-section.js';
import { httpSection, uploadSection } from './store/http-section.js';
import { makePoints, readTicks } from './store/rows.js';

const sections = ['copy', 'http', 'upload', 'history', 'crash'] as const;
/** Where development machines keep the trades of 7 October 2013, beside the project. */
const realTicks = '../shared/data/us-equity-ticks-2013-10-07.csv.gz';

const usage = `npm run bench -- store [sections: ${sections.join(', ')}] [options]
  --database URL      an empty database to use instead of a fresh embedded PostgreSQL (for copy and history)
  --ticks FILE        real ticks as CSV (ts_ms,symbol,price,size), gzip or not
  --metrics N         made-up metrics to write (default 2000000)
  --rows N            rows under the queries (default 10000000)
  --rounds N          rounds of the write comparisons (default 3)
  --runs N            runs of each query (default 60)
  --kills N           rounds of kill -9 (default 20)
  --upload-mb N       size of the upload whose memory is watched (default 500)`;

/** Ratios to physical limits measured in the same run on the same server. */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      database: { type: 'string' },
      ticks: { type: 'string' },
      metrics: { type: 'string', default: '2000000' },
      rows: { type: 'string', default: '10000000' },
      rounds: { type: 'string', default: '3' },
      runs: { type: 'string', default: '60' },
      kills: { type: 'string', default: '20' },
      'upload-mb': { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = positionals.length > 0 ? positionals : [...sections];
  const unknown = wanted.filter((name) => !sections.includes(name as never));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no section ${unknown.join(', ')}\n\n${usage}` : usage);
    process.exitCode = unknown.length > 0 ? 2 : 0;
    return;
  }
  const rowsWanted = wanted.includes('copy') || wanted.includes('http');
  const file = values.ticks ?? (existsSync(realTicks) ? join(process.cwd(), realTicks) : undefined);
  const { ticks, source } = rowsWanted ? readTicks(file, 388_417) : { ticks: [], source: '' };
  const now = Date.now();
  const points = rowsWanted ? makePoints(Number(values.metrics), now - 86_400_000, now) : [];
  if (rowsWanted) console.log(`ticks: ${ticks.length.toLocaleString('en')} ${source}`);

  if (wanted.includes('copy') || wanted.includes('history')) {
    const server = await startServer(values.database);
    const store = await openBenchStore(server.url);
    console.log(`server: ${server.what}, ${store.database.branch.reason}`);
    try {
      if (wanted.includes('copy')) {
        await copySection(store, server.url, { ticks, points, rounds: Number(values.rounds) });
      }
      if (wanted.includes('history')) {
        await historySection(store, { rows: Number(values.rows), runs: Number(values.runs) });
      }
    } finally {
      await store.close();
      await server.stop();
    }
  }
  if (wanted.includes('http')) {
    await httpSection({ ticks, points, rounds: Number(values.rounds) });
  }
  if (wanted.includes('upload')) await uploadSection(Number(values['upload-mb']));
  if (wanted.includes('crash')) await crashSection(Number(values.kills));
}
