import { collectors } from './collectors.js';
import { database } from './database.js';
import type { Dashboard } from './house-style.js';
import { loadTest } from './load-test.js';
import { overview } from './overview.js';
import { pipeline } from './pipeline.js';
import { redis } from './redis.js';
import { risk } from './risk.js';
import { websocket } from './websocket.js';

export const dashboards: readonly Dashboard[] = [
  overview,
  pipeline,
  websocket,
  database,
  redis,
  risk,
  collectors,
  loadTest,
];
