import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { rehearse, seriesOf } from '../../src/observability/collection/rehearsal.js';
import { fromDeclaration } from './sql.collector.js';

const declared = (text: string) => {
  const made = fromDeclaration({ name: 'orders', path: 'orders.sql.yml', text });
  if ('error' in made) throw new Error(made.error);
  return made;
};
const orders = `
description: Open orders by desk.
interval_seconds: 30
query: SELECT desk, open, oldest FROM orders
metrics:
  - name: tidewatch_sql_open_orders
    help: Open orders.
    value: open
    labels: { desk: bounded }
  - name: tidewatch_sql_oldest_order_seconds
    help: Age of the oldest open order.
    value: oldest
    labels: { desk: [equity, rates] }
`;
const rows =
  (...values: [string, unknown, unknown][]) =>
  () =>
    values.map(([desk, open, oldest]) => ({ desk, open, oldest }));

describe('sql', () => {
  it('turns a YAML file into a collector of its own', async () => {
    const definition = declared(orders);
    expect(definition.manifest).toMatchObject({ name: 'sql-orders', intervalMs: 30_000 });
    const run = await rehearse(definition, { query: rows(['equity', '12', 3.5], ['rates', 0, null]) });
    expect(run).toMatchObject({ outcome: 'success', lint: [] });
    expect(seriesOf(run)).toEqual({
      'tidewatch_sql_open_orders{desk="equity"}': 12,
      'tidewatch_sql_open_orders{desk="rates"}': 0,
      'tidewatch_sql_oldest_order_seconds{desk="equity"}': 3.5,
    });
  });

  it.each([
    ['a value that is no number', rows(['equity', 'many', 1]), /column open holds "many", no number/],
    ['a label that the file does not allow', rows(['fx', 1, 1]), /label desk="fx" is not in the catalogue/],
    ['a column that is not there', () => [{ desk: 'equity' }], /no column open/],
  ])('fails on %s', async (_, query, message) => {
    const run = await rehearse(declared(orders), { query });
    expect(run).toMatchObject({ outcome: 'error', error: { message: expect.stringMatching(message) } });
  });

  it('has no data where there are no rows', async () => {
    expect((await rehearse(declared(orders), { query: () => [] })).outcome).toBe('no_data');
  });

  it.each([
    ['description: [', /not YAML/],
    ['description: x', /query is missing: .*metrics/],
    [orders.replace('interval_seconds', 'every'), /every/],
    [orders.replace('tidewatch_sql_open_orders', 'Open Orders'), /is not a metric name/],
  ])('says what is wrong with %j', (text, message) => {
    expect(() => declared(text)).toThrow(message);
  });

  it('ships files that are right', async () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.sql.yml'));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const run = await rehearse(declared(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')), {
        query: () => [],
      });
      expect([file, run.lint]).toEqual([file, []]);
    }
  });
});
