import { Injectable } from '@nestjs/common';
import { Evidence } from '../observability/alerting/evidence.js';
import { Database } from './database.js';

const runningSql = `
  SELECT pid, application_name, state, wait_event_type, wait_event,
         round(extract(epoch FROM clock_timestamp() - query_start)::numeric, 3)::float8 AS seconds,
         pg_blocking_pids(pid) AS blocked_by, left(query, 300) AS query
  FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
  ORDER BY query_start LIMIT 20`;
const changesSql = `SELECT * FROM audit WHERE at > now() - interval '1 day' ORDER BY at DESC LIMIT 50`;

/** What only the database can say of the moment at which an alert fires. */
@Injectable()
export class DatabaseEvidence {
  constructor(evidence: Evidence, database: Database) {
    evidence.register('running_statements', async () => (await database.maintenance.query(runningSql)).rows);
    evidence.register('recent_changes', async () => (await database.maintenance.query(changesSql)).rows);
  }
}
