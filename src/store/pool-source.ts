import { Injectable } from '@nestjs/common';
import { Sources } from '../observability/collection/sources.js';
import { Database } from './database.js';

/** Lends the pools to `GET /api/v1/ops/pool` and to collectors. */
@Injectable()
export class PoolSource {
  constructor(database: Database, sources: Sources) {
    sources.provide('pools', () =>
      database.snapshots().map(({ acquireWait, connectionErrors, ...pool }) => ({
        ...pool,
        invalidConnections: connectionErrors,
        wait: acquireWait,
      })),
    );
  }
}
