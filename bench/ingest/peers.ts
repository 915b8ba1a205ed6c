import type { Body } from './bodies.js';

/** Something else that reads such a body, into objects and without any check of their contents. */
export interface Peer {
  readonly name: string;
  readonly reads: (body: Body) => boolean;
  /** @returns rows read */
  readonly read: (body: Body) => number;
}

const isNdjson = (body: Body): boolean => body.format === 'ndjson';
const isCsv = (body: Body): boolean => body.format === 'csv';

const builtIn: Peer[] = [
  {
    name: 'split lines + JSON.parse',
    reads: isNdjson,
    read: (body) => {
      let rows = 0;
      for (const line of body.bytes.toString('utf8').split('\n')) {
        if (line !== '' && typeof JSON.parse(line) === 'object') rows++;
      }
      return rows;
    },
  },
  {
    name: 'JSON.parse of the whole body',
    reads: (body) => body.format === 'json',
    read: (body) => (JSON.parse(body.bytes.toString('utf8')) as { ticks: unknown[] }).ticks.length,
  },
];

/** CSV packages, by how each is called. */
const csvPackages: Readonly<Record<string, (module: CsvModule, text: string) => readonly unknown[]>> = {
  'd3-dsv': ({ csvParse }, text) => csvParse(text),
  papaparse: ({ parse }, text) => {
    const { data } = parse(text, { header: true, skipEmptyLines: true }) as unknown as { data: unknown[] };
    return data;
  },
  'csv-parse/sync': ({ parse }, text) => parse(text, { columns: true }),
};

type CsvModule = Readonly<Record<'csvParse' | 'parse', (text: string, options?: object) => unknown[]>>;

/** @returns the peers that are installed, and the names of those that are not */
export async function findPeers(): Promise<{ peers: Peer[]; missing: string[] }> {
  const peers = [...builtIn];
  const missing: string[] = [];
  for (const [name, parse] of Object.entries(csvPackages)) {
    try {
      const loaded = (await import(name)) as Partial<CsvModule> & { default?: CsvModule };
      const module = (loaded.default ?? loaded) as CsvModule;
      const read = (body: Body): number => parse(module, body.bytes.toString('utf8')).length;
      peers.push({ name, reads: isCsv, read });
    } catch {
      missing.push(name);
    }
  }
  return { peers, missing };
}
