import { counter, gauge, histogram } from '../metric-spec.js';

/** What became of each tick that the engine was told of. */
export const analyticsTicks = counter(
  'tidewatch_analytics_ticks_total',
  "Ticks applied by the analytics engine; late ones move nothing, corrections carry the live price's own source time.",
  { outcome: ['applied', 'correction', 'late', 'ignored'] },
);
export const analyticsUpdates = counter(
  'tidewatch_analytics_updates_total',
  'Portfolios marked to market: one per tick and portfolio that it touches.',
);
export const analyticsBusySeconds = counter(
  'tidewatch_analytics_busy_seconds_total',
  'Time spent applying ticks and position changes; divided by the updates: time per update.',
);
export const analyticsQueueTicks = gauge(
  'tidewatch_analytics_queue_ticks',
  'Stored ticks that wait to be applied.',
);
export const analyticsQueueSaturations = counter(
  'tidewatch_analytics_queue_saturations_total',
  'Announcements that found the queue full: its oldest ticks, as many as were too many, were applied at once, holding up who announced.',
);
// Edge at the threshold below which the engine counts as behind.
export const analyticsUpdateRate = gauge(
  'tidewatch_analytics_update_rate',
  'Updates per second over the last second; only while work was waiting, absent when the engine keeps up.',
);

// Edges at the target (0.1 s) and the critical threshold (0.5 s) of analytics updates.
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5];

export const analyticsApplySeconds = histogram(
  'tidewatch_analytics_apply_latency_seconds',
  'From a batch of ticks accepted to its portfolios marked and their windows updated.',
  latencyBuckets,
);
export const analyticsPublishSeconds = histogram(
  'tidewatch_analytics_publish_latency_seconds',
  'From the newest tick accepted to the summary that includes it published, without the wait for the publishing interval or, for portfolios nobody follows, for spare time.',
  latencyBuckets,
  {},
  { window: 'analytics_update' },
);
export const analyticsWaitSeconds = histogram(
  'tidewatch_analytics_conflation_wait_seconds',
  'How long the newest tick of a summary waited only because the interval of its portfolio was not over.',
  latencyBuckets,
);
export const analyticsPublications = counter(
  'tidewatch_analytics_publications_total',
  'Summaries published.',
);
export const analyticsConflated = counter(
  'tidewatch_analytics_conflated_total',
  'Changes of a portfolio that joined a publication already due instead of causing their own.',
);
export const analyticsPublicationsPending = gauge(
  'tidewatch_analytics_publications_pending',
  'Portfolios that have changed and wait for their publication.',
);

/** Memory. */
export const analyticsPortfolios = gauge('tidewatch_analytics_portfolios', 'Portfolios in the engine.');
export const analyticsWindowBytes = gauge(
  'tidewatch_analytics_window_bytes',
  'Memory that the windows take.',
);
export const analyticsWindowBudgetBytes = gauge(
  'tidewatch_analytics_window_budget_bytes',
  'Memory that the windows may take (ANALYTICS_MEMORY_MB).',
);
export const analyticsWindowLevel = gauge(
  'tidewatch_analytics_window_level',
  'Most points per window; below 10,000 when memory is short.',
);
export const analyticsWindowEvictions = counter(
  'tidewatch_analytics_window_evictions_total',
  'Times that a window gave up points for want of memory.',
);

/** Start. */
export const analyticsRebuildSeconds = gauge(
  'tidewatch_analytics_rebuild_seconds',
  'How long the last rebuild of the windows from the store took.',
);
export const analyticsRebuildTicks = gauge(
  'tidewatch_analytics_rebuild_ticks',
  'Ticks that the last rebuild read.',
);

/** History. */
export const analyticsRecorded = counter(
  'tidewatch_analytics_recorded_points_total',
  'Points of portfolio history, by what became of them.',
  { outcome: ['written', 'dropped', 'failed'] },
);

/** Calculators. */
export const calculatorRuns = counter(
  'tidewatch_calculator_runs_total',
  'Runs of a calculator, by outcome; over_budget and failed count towards switching it off.',
  { calculator: 'bounded', outcome: ['ok', 'failed', 'over_budget', 'timeout', 'skipped'] },
);
export const calculatorSeconds = histogram(
  'tidewatch_calculator_duration_seconds',
  'Duration of one run of a calculator.',
  [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  { calculator: 'bounded' },
);
export const calculatorDisabled = gauge(
  'tidewatch_calculator_disabled',
  '1 for a calculator that was switched off after repeated failures.',
  { calculator: 'bounded' },
);

/** The stateless endpoint. */
export const computeRequests = counter(
  'tidewatch_analytics_compute_total',
  'Requests to compute statistics, by where they ran and how they ended.',
  { place: ['inline', 'worker'], outcome: ['ok', 'refused', 'busy', 'timeout'] },
);
