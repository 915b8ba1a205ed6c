import { counter, gauge } from '../metric-spec.js';

/** Collectors are discovered, so their names are not a closed set; a deployment has a few dozen. */
const byCollector = { collector: 'bounded' } as const;

/** Why a run failed; part of the alerting vocabulary. */
export const errorClasses = [
  'timeout',
  'connection',
  'permission',
  'query',
  'budget',
  'schema',
  'config',
  'other',
] as const;
export type ErrorClass = (typeof errorClasses)[number];

export const runOutcomes = ['success', 'partial', 'no_data', 'error', 'timeout'] as const;
export type RunOutcome = (typeof runOutcomes)[number];

export const collectorEnabled = gauge(
  'tidewatch_collector_enabled',
  'Whether the collector is switched on (1) or off (0).',
  byCollector,
);
export const collectorSuccess = gauge(
  'tidewatch_collector_success',
  'Whether the last run ended well (1; nothing to measure counts as well) or failed in whole or part (0).',
  byCollector,
);
export const collectorNoData = gauge(
  'tidewatch_collector_no_data',
  'Whether the last run found nothing to measure (1), as without a Redis.',
  byCollector,
);
export const collectorDuration = gauge(
  'tidewatch_collector_duration_seconds',
  'Duration of the last run.',
  byCollector,
);
export const collectorLastSuccess = gauge(
  'tidewatch_collector_last_success_timestamp_seconds',
  'Unix time at which the last run ended well.',
  byCollector,
);
export const collectorLastSuccessAge = gauge(
  'tidewatch_collector_last_success_age_seconds',
  'Time since the last run ended well; since the start when none did.',
  byCollector,
);
export const collectorSampleAge = gauge(
  'tidewatch_collector_sample_age_seconds',
  'Age of the oldest values that the collector shows now; no series when it shows none.',
  byCollector,
);
export const collectorStale = gauge(
  'tidewatch_collector_stale',
  'Whether the collector has gone so long without a success that its series were withdrawn (1).',
  byCollector,
);
export const collectorInterval = gauge(
  'tidewatch_collector_interval_seconds',
  'Time between runs that do not fail, with back-off and bursts; ages are judged by it.',
  byCollector,
);
export const collectorBackoff = gauge(
  'tidewatch_collector_backoff_ratio',
  'How many times longer than set the interval is, because runs cost more than their budget; 1 is as set.',
  byCollector,
);
export const collectorRuns = counter('tidewatch_collector_runs_total', 'Runs by how they ended.', {
  ...byCollector,
  outcome: runOutcomes,
});
export const collectorErrors = counter(
  'tidewatch_collector_errors_total',
  'Failed runs and failed parts of runs, by the class of the error.',
  { ...byCollector, class: errorClasses },
);
export const collectorSkipped = counter(
  'tidewatch_collector_skipped_runs_total',
  'Runs that were due while the one before still ran.',
  byCollector,
);
export const collectorAbandoned = counter(
  'tidewatch_collector_abandoned_runs_total',
  'Runs that were left behind with the instance they ran in: they ignored their abort, or an error escaped from them.',
  byCollector,
);
export const collectorOverBudget = counter(
  'tidewatch_collector_over_budget_runs_total',
  'Runs that cost more than the budget, by what they used too much of.',
  { ...byCollector, resource: ['database', 'redis', 'event_loop', 'samples'] },
);
export const collectorDatabaseSeconds = counter(
  'tidewatch_collector_database_seconds_total',
  'Time the runs spent in database queries.',
  byCollector,
);
export const collectorRedisCommands = counter(
  'tidewatch_collector_redis_commands_total',
  'Redis commands that the runs sent.',
  byCollector,
);
export const collectorEventLoopSeconds = counter(
  'tidewatch_collector_event_loop_seconds_total',
  "Time in which the collector's own code held the event loop.",
  byCollector,
);
export const collectorSamples = gauge(
  'tidewatch_collector_series',
  'Series that the collector shows now.',
  byCollector,
);

export const metricOverflow = counter(
  'tidewatch_metric_overflow_total',
  'Label sets that found no series of their own and were folded into the one labelled overflow.',
  { metric: 'bounded' },
);
export const metricRefused = counter(
  'tidewatch_metric_refused_observations_total',
  'Observations that no series can hold: NaN, a counter told to go down.',
);
export const scrapeSeconds = gauge(
  'tidewatch_scrape_duration_seconds',
  'Time from request to answer of the last scrape, slices and waits between them included.',
);
export const scrapeEventLoopSeconds = gauge(
  'tidewatch_scrape_event_loop_seconds',
  'Event-loop time that the last scrape took, all slices together.',
);
export const scrapeSeries = gauge('tidewatch_scrape_series', 'Lines of the last scrape that carry a value.');

export const traceSpans = counter('tidewatch_trace_spans_total', 'Sampled spans, by what became of them.', {
  outcome: ['ended', 'exported', 'failed'],
});
export const tracingActive = gauge(
  'tidewatch_tracing_active',
  'Whether spans are recorded (1) or, although an endpoint is set, are not (0); no series without an endpoint.',
);
