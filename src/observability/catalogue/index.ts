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

/** The sections, in data-flow order. */
export const sections: Readonly<Record<string, readonly MetricSpec[]>> = Object.fromEntries(
  Object.entries({ ingest, store, analytics, risk, broadcast, http, platform, watching, alerting }).map(
    ([name, section]) => [name, (Object.values(section) as unknown[]).filter(isSpec)],
  ),
);

/** Every metric of the server; collectors declare theirs in their own folder. */
export const catalogue: readonly MetricSpec[] = Object.values(sections).flat();

/** Sections also export the label values that code needs. */
function isSpec(value: unknown): value is MetricSpec {
  return typeof value === 'object' && value !== null && 'name' in value && 'type' in value && 'help' in value;
}
