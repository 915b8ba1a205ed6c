import type { MetricSpec } from '../metric-spec.js';
import * as alerting from './alerting.js';
import * as analytics from './analytics.js';
import * as broadcast from './broadcast.js';
import * as http from './http.js';
import * as ingest from './ingest.js';
import * as platform from './platform.js';
import * as risk from './risk.js';
import * as store from './store.js';
import * as watching from './watching.js';

/** Every metric of the server, in data-flow order; collectors declare theirs in their own folder. */
export const catalogue: readonly MetricSpec[] = [
  ingest,
  store,
  analytics,
  risk,
  broadcast,
  http,
  platform,
  watching,
  alerting,
].flatMap((section) => Object.values(section) as MetricSpec[]);
