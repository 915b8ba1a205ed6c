import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import { parsePrometheusText } from './prometheus-text.js';
import { fromDeclaration } from './scrape.collector.js';

const text = readFileSync(new URL('./testdata/node-exporter.txt', import.meta.url), 'utf8');

describe('parsePrometheusText', () => {
  const parse = (...names: string[]) => [...parsePrometheusText(text, new Set(names))];

  it('reads values, labels with escapes, exemplars and timestamps', () => {
    expect(parse('node_load1')).toEqual([{ name: 'node_load1', labels: {}, value: 0.24 }]);
    expect(parse('request_seconds_bucket').map(({ labels, value }) => [labels.le, value])).toEqual([
      ['0.5', 8],
      ['+Inf', 9],
    ]);
    expect(parse('node_filesystem_avail_bytes')[1]).toEqual({
      name: 'node_filesystem_avail_bytes',
      labels: { device: 'odd "name"\\x', fstype: 'ext4', mountpoint: '/mnt/{a},b' },
      value: Number.NaN,
    });
  });

  it.each(['node_load1{cpu=0} 1', 'node_load1{cpu="0" 1', 'node_load1 high', '{} 1'])(
    'refuses %s',
    (line) => {
      expect(() => [...parsePrometheusText(`# ok\n${line}`, new Set(['node_load1']))]).toThrow(/^line 2 /);
    },
  );
});

describe('scrape', () => {
  let status = 200;
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(status).end(text);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  const declared = () => {
    const made = fromDeclaration({
      name: 'node',
      path: 'node.scrape.yml',
      text: `
description: The machine, from its node exporter.
url: http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics
headers: { authorization: Bearer of-the-exporter }
metrics:
  - { name: node_load1, as: tidewatch_node_load, type: gauge, help: Load average of a minute. }
  - name: node_cpu_seconds_total
    as: tidewatch_node_cpu_seconds_total
    type: counter
    help: CPU time of all cores.
    labels: { mode: [idle, user] }
  - name: node_filesystem_avail_bytes
    as: tidewatch_node_free_bytes
    type: gauge
    help: Free bytes of the fullest file system.
    combine: min
`,
    });
    if ('error' in made) throw new Error(made.error);
    return made;
  };

  it('takes over what the file names, and adds up the labels it leaves out', async () => {
    const run = await rehearse(declared());
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    expect(seriesOf(run)).toEqual({
      tidewatch_node_load: 0.24,
      'tidewatch_node_cpu_seconds_total{mode="idle"}': 2880.5,
      'tidewatch_node_cpu_seconds_total{mode="user"}': 43,
      tidewatch_node_free_bytes: 3.25e10,
    });
    expect(seen.at(-1)).toBe('Bearer of-the-exporter');
  });

  it('fails when the endpoint does', async () => {
    status = 503;
    expect(await rehearse(declared())).toMatchObject({
      outcome: 'error',
      error: { message: 'the endpoint answered 503' },
    });
  });
});
