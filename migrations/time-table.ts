import type { QueryRunner } from 'typeorm';

/** What a migration knows of the branch that its database is on (recorded before the first migration runs). */
export async function onTimescale(runner: QueryRunner): Promise<boolean> {
  const rows: { dialect: string }[] = await runner.query(
    "SELECT value->>'dialect' AS dialect FROM storage_settings WHERE name = 'dialect'",
  );
  return rows[0]?.dialect === 'timescale';
}

export interface TimeTable {
  readonly name: string;
  /** Column definitions; keys, if any, contain the time column: both branches demand it. */
  readonly columns: string;
  readonly timeColumn: string;
  /** Width of a TimescaleDB chunk: the newest one with its index has to fit into a quarter of the memory. */
  readonly chunk: string;
}

/** A table by time: a hypertable, or range partitions that the server makes ahead (see `src/store/partitions`). */
export async function createTimeTable(runner: QueryRunner, table: TimeTable): Promise<void> {
  const { name, columns, timeColumn, chunk } = table;
  if (await onTimescale(runner)) {
    await runner.query(`CREATE TABLE ${name} (${columns})`);
    // Its default index on the time alone would be one more to write and one that a schema diff wants to drop.
    await runner.query(
      `SELECT create_hypertable('${name}', by_range('${timeColumn}', INTERVAL '${chunk}'), create_default_indexes => false)`,
    );
    return;
  }
  await runner.query(`CREATE TABLE ${name} (${columns}) PARTITION BY RANGE ("${timeColumn}")`);
}

/** An index with a comment that names the query it serves. @param definition what follows `CREATE INDEX name ON` */
export async function createIndex(
  runner: QueryRunner,
  name: string,
  definition: string,
  serves: string,
): Promise<void> {
  const unique = definition.startsWith('UNIQUE ');
  await runner.query(
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${name} ON ${unique ? definition.slice(7) : definition}`,
  );
  await runner.query(`COMMENT ON INDEX ${name} IS '${serves.replaceAll("'", "''")}'`);
}
