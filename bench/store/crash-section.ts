import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BenchProcess } from './bench-process.js';
import { line } from './figures.js';

const rowsPerBatch = 200;
const senders = 4;
const portfolioId = 'CRASH';
const victims = ['PostgreSQL', 'the server', 'both'] as const;

/** `kill -9` at random moments under load: what was acknowledged is there once, of the rest there is all or nothing. */
export async function crashSection(rounds: number): Promise<void> {
  console.log(`\nkill -9 under load, ${rounds} rounds in turn: ${victims.join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'tidewatch-kill-'));
  chmodSync(folder, 0o755);
  const port = String(await freePort());
  let server = new BenchProcess(join(folder, 'data'), { PORT: port });
  try {
    const url = await server.ready();
    await put(url);
    const load = new Load(url);
    for (let round = 0; round < rounds; round++) {
      await sleep(400 + Math.random() * 1_200);
      const victim = victims[round % victims.length];
      if (victim !== 'the server') process.kill(server.postmaster.pid, 'SIGKILL');
      if (victim !== 'PostgreSQL') {
        await server.kill('SIGKILL');
        server = new BenchProcess(join(folder, 'data'), { PORT: port });
        await server.ready();
      }
      // Some acknowledged work before the next one.
      const before = load.acknowledged.size;
      for (const end = Date.now() + 30_000; load.acknowledged.size < before + 20; await sleep(20)) {
        if (Date.now() > end)
          throw new Error(`nothing was acknowledged after round ${round + 1} (${victim})`);
      }
    }
    await load.stop();
    await verify(server.databaseUrl, load);
  } finally {
    await server.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Clients that send without a pause and note what was answered. */
class Load {
  /** `symbol batch` of each batch that was answered with 200. */
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();
  readonly trades = new Set<string>();
  private over = false;
  private readonly running: Promise<void>[];

  constructor(private readonly url: string) {
    this.running = [...Array.from({ length: senders }, (_, i) => this.sendTicks(`C${i}`)), this.sendTrades()];
  }

  async stop(): Promise<void> {
    this.over = true;
    await Promise.all(this.running);
  }

  private async sendTicks(symbol: string): Promise<void> {
    const t0 = Date.now();
    for (let batch = 0; !this.over; batch++) {
      const body = Array.from(
        { length: rowsPerBatch },
        (_, i) => `{"symbol":"${symbol}","ts":${t0 + i},"price":${i + 1},"size":${batch}}\n`,
      ).join('');
      const status = await this.post('/api/v1/ingest/ticks', body, 'application/x-ndjson');
      (status === 200 ? this.acknowledged : this.refused).add(`${symbol} ${batch}`);
      if (status !== 200) await sleep(50);
    }
  }

  /** Each trade is repeated until it is acknowledged: its id makes that safe. */
  private async sendTrades(): Promise<void> {
    for (let n = 0; !this.over; n++) {
      const trade = { id: `t${n}`, ts: Date.now(), symbol: 'C0', side: 'buy', quantity: 1, price: 1 };
      const body = JSON.stringify([trade]);
      while (
        (await this.post(`/api/v1/portfolios/${portfolioId}/trades`, body, 'application/json')) !== 200
      ) {
        if (this.over) return;
        await sleep(50);
      }
      this.trades.add(trade.id);
    }
  }

  private post(path: string, body: string, type: string): Promise<number> {
    return fetch(`${this.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 0,
    );
  }
}

async function verify(databaseUrl: string, load: Load): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ batch: string; rows: number; different: number }>(
      `SELECT symbol || ' ' || size AS batch, count(*)::int AS rows, count(DISTINCT price)::int AS different
       FROM ticks GROUP BY symbol, size`,
    );
    const whole = new Set(
      rows.filter((r) => r.rows === rowsPerBatch && r.different === rowsPerBatch).map((r) => r.batch),
    );
    const broken = rows.filter((r) => !whole.has(r.batch)).length;
    const lost = [...load.acknowledged].filter((batch) => !whole.has(batch)).length;
    const unanswered = [...load.refused].filter((batch) => whole.has(batch)).length;
    line('batches acknowledged', `${load.acknowledged.size} of ${rowsPerBatch} ticks`);
    line('acknowledged and not there exactly once', String(lost), lost === 0);
    line('batches of which a part is there, or a row twice', String(broken), broken === 0);
    line('not acknowledged', `${load.refused.size}, of which ${unanswered} are there as a whole`);
    const { rows: trades } = await client.query<{ trades: number; held: number; known: number }>(
      `SELECT count(*)::int AS trades, count(*) FILTER (WHERE id = ANY ($2))::int AS known,
         (SELECT quantity::int FROM positions WHERE portfolio_id = $1) AS held
       FROM trades WHERE portfolio_id = $1`,
      [portfolioId, [...load.trades]],
    );
    const { trades: stored = 0, held = 0, known = 0 } = trades[0] ?? {};
    line(
      'trades acknowledged, and applied once each',
      `${load.trades.size}, ${held}`,
      known === load.trades.size && held === stored,
    );
  } finally {
    await client.end();
  }
}

async function put(url: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/portfolios/${portfolioId}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'crash', currency: 'USD', positions: [] }),
  });
  if (!response.ok) throw new Error(`PUT answered ${response.status}: ${await response.text()}`);
}

/** The same one after a restart, so that the senders need not look for the server. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
