import { type Dashboard, timeseries } from './house-style.js';
import { rate } from './panels/queries.js';

export const collectors: Dashboard = {
  uid: 'tidewatch-collectors',
  title: 'Tidewatch: collectors',
  description: 'Whether the watching works, and what it costs.',
  rows: [
    {
      title: 'Health',
      panels: [
        timeseries({
          title: 'Success of the last run',
          description: '1 where the last run ended well; finding nothing to measure counts as well.',
          unit: 'short',
          threshold: 'collector_failing',
          width: 8,
          queries: [{ expr: 'tidewatch_collector_success{$p}', legend: '{{collector}}' }],
        }),
        timeseries({
          title: 'Age of the last success',
          description: 'In intervals of the collector. Beyond the line its series are withdrawn.',
          unit: 'short',
          threshold: 'collector_stale',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_collector_last_success_age_seconds{$p} / tidewatch_collector_interval_seconds{$p}',
              legend: '{{collector}}',
            },
          ],
        }),
        timeseries({
          title: 'Errors',
          description: 'Failed runs and failed parts of runs, by the class of the error.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (collector, class) (increase(tidewatch_collector_errors_total{$p}[$__rate_interval]))',
              legend: '{{collector}} {{class}}',
              mayBeEmpty: 'nothing has failed yet',
            },
          ],
        }),
        timeseries({
          title: 'Runs',
          description: 'Runs by how they ended.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_collector_runs_total{$p}', 'outcome'), legend: '{{outcome}}' }],
        }),
        timeseries({
          title: 'Interval',
          description: 'Time between runs now, with back-off and bursts.',
          unit: 's',
          width: 8,
          queries: [{ expr: 'tidewatch_collector_interval_seconds{$p}', legend: '{{collector}}' }],
        }),
        timeseries({
          title: 'Skipped and abandoned runs',
          description:
            'Due while the one before still ran, and left behind because they ignored their abort.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (collector) (increase(tidewatch_collector_skipped_runs_total{$p}[$__rate_interval]))',
              legend: 'skipped {{collector}}',
              mayBeEmpty: 'no run was skipped',
            },
            {
              expr: 'sum by (collector) (increase(tidewatch_collector_abandoned_runs_total{$p}[$__rate_interval]))',
              legend: 'abandoned {{collector}}',
              mayBeEmpty: 'no run was abandoned',
            },
          ],
        }),
      ],
    },
    {
      title: 'Cost',
      panels: [
        timeseries({
          title: 'Duration',
          description: 'Duration of the last run.',
          unit: 's',
          width: 8,
          queries: [{ expr: 'tidewatch_collector_duration_seconds{$p}', legend: '{{collector}}' }],
        }),
        timeseries({
          title: 'Event loop',
          description: 'Share of the event loop that the collectors’ own code holds.',
          unit: 'percentunit',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_collector_event_loop_seconds_total{$p}', 'collector'),
              legend: '{{collector}}',
            },
          ],
        }),
        timeseries({
          title: 'Database',
          description: 'Share of a connection that the collectors’ queries hold.',
          unit: 'percentunit',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_collector_database_seconds_total{$p}', 'collector'),
              legend: '{{collector}}',
            },
          ],
        }),
        timeseries({
          title: 'Redis commands',
          description: 'Commands that the runs sent.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_collector_redis_commands_total{$p}', 'collector'),
              legend: '{{collector}}',
            },
          ],
        }),
        timeseries({
          title: 'Over budget',
          description:
            'Runs that cost more than their budget, by what they used too much of; the runner then spaces them out.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (collector, resource) (increase(tidewatch_collector_over_budget_runs_total{$p}[$__rate_interval]))',
              legend: '{{collector}} {{resource}}',
              mayBeEmpty: 'every run kept to its budget',
            },
          ],
        }),
        timeseries({
          title: 'Label sets without a series',
          description: 'Label sets folded into the series labelled overflow: a label grows without bound.',
          unit: 'short',
          threshold: 'cardinality_overflow',
          width: 8,
          queries: [
            {
              expr: 'sum by (metric) (increase(tidewatch_metric_overflow_total{$p}[$__rate_interval]))',
              legend: '{{metric}}',
              mayBeEmpty: 'no label grew beyond its bound',
            },
          ],
        }),
        timeseries({
          title: 'Scrape',
          description: 'Event-loop time and whole time of a scrape of this server.',
          unit: 's',
          width: 12,
          queries: [
            { expr: 'tidewatch_scrape_event_loop_seconds{$p}', legend: 'event loop {{instance}}' },
            { expr: 'tidewatch_scrape_duration_seconds{$p}', legend: 'whole {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Alert rounds',
          description: 'Event-loop time in which every in-app rule is judged once.',
          unit: 's',
          width: 12,
          queries: [{ expr: 'tidewatch_alert_evaluation_duration_seconds{$p}', legend: '{{instance}}' }],
        }),
      ],
    },
  ],
};
