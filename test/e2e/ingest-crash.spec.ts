import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { RowSender } from '../../src/cli/feed/row-sender.js';
import type { Tick } from '../../src/domain/tick.js';
import { freePort } from '../../src/embedded/free-port.js';
import { processesIn } from '../../src/embedded/process-table.js';
import { embeddedDatabaseUrl, postmaster, ServerProcess } from '../harness/index.js';

const batchRows = 1_000;
const batches = 60;
const t0 = Date.UTC(2024, 4, 6, 14);

let dataDir: string;
let server: ServerProcess;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidewatch-crash-'));
  chmodSync(dataDir, 0o755);
});

afterEach(async () => {
  await server.stop();
  for (const pid of processesIn(join(dataDir, 'postgres'), 'postgres')) process.kill(pid, 'SIGKILL');
  for (const pid of processesIn(join(dataDir, 'redis'), 'redis')) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

const batch = (symbol: string, number: number): Tick[] =>
  Array.from({ length: batchRows }, (_, i) => ({
    symbol,
    tsMs: t0 + i,
    price: 100,
    size: number * batchRows + i,
    sourceId: null,
  }));

async function query<Row>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: embeddedDatabaseUrl(dataDir) });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Sends batches without a key and without retries. @returns the numbers of those that were acknowledged */
async function sendUnnamed(url: string, isOver: () => boolean): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let number = 0; !isOver(); number++) {
    const body = batch(`U${number}`, 0)
      .map(
        ({ symbol, tsMs, price, size }) =>
          `{"symbol":"${symbol}","ts":${tsMs},"price":${price},"size":${size}}\n`,
      )
      .join('');
    const status = await fetch(`${url}/api/v1/ingest/ticks`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) acknowledged.push(number);
    else await sleep(100);
  }
  return acknowledged;
}

describe('ingest under kill -9', () => {
  it('of the server and of PostgreSQL keeps every acknowledged row once and no part of another batch', async () => {
    const port = await freePort();
    const start = (): ServerProcess =>
      new ServerProcess({ settings: { DATA_DIR: dataDir, PORT: String(port) } });
    server = start();
    const url = await server.ready();

    let over = false;
    const unnamed = sendUnnamed(url, () => over);
    const sender = new RowSender({ url, kind: 'ticks', keyPrefix: 'crash' });
    const kills: Record<number, () => Promise<void>> = {
      [batches / 3]: async () => {
        server.signal('SIGKILL');
        await server.exit();
        server = start();
      },
      [(2 * batches) / 3]: async () => {
        process.kill(postmaster(dataDir).pid, 'SIGKILL');
      },
    };
    const killed: Promise<void>[] = [];
    for (let number = 0; number < batches; number++) {
      const kill = kills[number];
      // While the batch is on its way.
      if (kill !== undefined) killed.push(sleep(5).then(kill));
      await sender.send(batch('NAMED', number));
    }
    await Promise.all(killed);
    over = true;
    const acknowledged = await unnamed;

    expect(sender.counts).toMatchObject({ sent: batches * batchRows, accepted: batches * batchRows });
    expect(sender.counts.retries).toBeGreaterThan(0);
    const [named] = await query<{ rows: number; different: number }>(
      "SELECT count(*)::int AS rows, count(DISTINCT size)::int AS different FROM ticks WHERE symbol = 'NAMED'",
    );
    expect(named).toEqual({ rows: batches * batchRows, different: batches * batchRows });

    const stored = await query<{ symbol: string; rows: number }>(
      "SELECT symbol, count(*)::int AS rows FROM ticks WHERE symbol LIKE 'U%' GROUP BY symbol",
    );
    expect(new Set(stored.map((row) => row.rows))).toEqual(new Set([batchRows]));
    const symbols = new Set(stored.map((row) => row.symbol));
    expect(acknowledged.filter((number) => !symbols.has(`U${number}`))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(5);
  }, 120_000);
});
