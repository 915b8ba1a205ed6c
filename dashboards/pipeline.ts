import { type Dashboard, timeseries } from './house-style.js';
import { distribution, quantile, rate } from './panels/queries.js';

export const pipeline: Dashboard = {
  uid: 'tidewatch-pipeline',
  title: 'Tidewatch: pipeline',
  description:
    'A tick on its way: accepted, stored, analysed, published; what waits and what is refused at each hop.',
  rows: [
    {
      title: 'Ingest',
      panels: [
        timeseries({
          title: 'Rows accepted',
          description: 'Rows that ingest has answered for, by what became of them.',
          unit: 'rowsps',
          stacked: true,
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_ingest_rows_total{$p}', 'kind, outcome'),
              legend: '{{kind}} {{outcome}}',
            },
          ],
        }),
        timeseries({
          title: 'Rows rejected',
          description: 'Rows that were wrong by themselves, by reason; the rest of their request was stored.',
          unit: 'rowsps',
          width: 8,
          queries: [
            {
              expr: `topk(5, ${rate('tidewatch_ingest_rejected_rows_total{$p}', 'code')} > 0)`,
              legend: '{{code}}',
              mayBeEmpty: 'no row was wrong',
            },
          ],
        }),
        timeseries({
          title: 'Rows refused',
          description: 'Rows answered with 503, so that the sender repeats them, by reason.',
          unit: 'short',
          threshold: 'ingest_refused',
          width: 8,
          queries: [
            {
              expr: 'sum by (reason) (increase(tidewatch_store_writer_refused_rows_total{$p}[$__rate_interval]))',
              legend: '{{reason}}',
            },
          ],
        }),
        timeseries({
          title: 'Rows that wait',
          description: 'Parsed and not durable yet, against the limit above which requests are answered 503.',
          unit: 'short',
          width: 8,
          queries: [
            { expr: 'tidewatch_ingest_buffered_rows{$p}', legend: 'buffered {{instance}}' },
            { expr: 'tidewatch_ingest_buffer_limit_rows{$p}', legend: 'limit {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Late and out of order',
          description:
            'Ticks with a source time before the newest of their symbol; stored, and counted into their own bucket.',
          unit: 'rowsps',
          width: 8,
          queries: [
            { expr: rate('tidewatch_ingest_late_ticks_total{$p}'), legend: 'late {{instance}}' },
            {
              expr: rate('tidewatch_ingest_out_of_order_ticks_total{$p}'),
              legend: 'out of order {{instance}}',
            },
          ],
        }),
        timeseries({
          title: 'Requests by result',
          description: 'Ingest requests by way and result; replayed answers an Idempotency-Key again.',
          unit: 'reqps',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_ingest_requests_total{$p}', 'via, result'),
              legend: '{{via}} {{result}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Store',
      panels: [
        timeseries({
          title: 'Rows written',
          description:
            'Rows durable after commit, by table. Ticks that stop while a feed is on mean a dead feed.',
          unit: 'rowsps',
          threshold: 'market_data_silent',
          stacked: true,
          width: 8,
          queries: [{ expr: rate('tidewatch_store_writer_rows_total{$p}', 'writer'), legend: '{{writer}}' }],
        }),
        timeseries({
          title: 'Commit time',
          description: 'From closing a batch to its confirmed commit, retries included.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.99, 'tidewatch_store_writer_flush_seconds', '', 'writer'),
              legend: 'p99 {{writer}}',
              exemplars: true,
              mayBeEmpty: 'nothing was written',
            },
          ],
        }),
        timeseries({
          title: 'Oldest row that is not durable',
          description: 'Nothing is acknowledged meanwhile: its sender still waits.',
          unit: 's',
          threshold: 'unwritten_age',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_store_writer_oldest_row_seconds{$p}',
              legend: '{{writer}} {{instance}}',
              mayBeEmpty: 'nothing waits',
            },
          ],
        }),
        timeseries({
          title: 'Dead letters and retries',
          description: 'Rows that PostgreSQL refused for good, and batches that were sent again.',
          unit: 'short',
          threshold: 'dead_letters',
          width: 12,
          queries: [
            {
              expr: 'sum by (writer) (increase(tidewatch_store_writer_dead_letters_total{$p}[$__rate_interval]))',
              legend: 'dead letters {{writer}}',
            },
            {
              expr: 'sum by (writer) (increase(tidewatch_store_writer_retries_total{$p}[$__rate_interval]))',
              legend: 'retries {{writer}}',
            },
          ],
        }),
        timeseries({
          title: 'Rows per commit',
          description: 'How many rows share a commit: group commit at work.',
          unit: 'short',
          width: 12,
          queries: [
            {
              expr: quantile(0.5, 'tidewatch_store_writer_flush_rows', '', 'writer'),
              legend: 'p50 {{writer}}',
              mayBeEmpty: 'nothing was written',
            },
          ],
        }),
      ],
    },
    {
      title: 'Analytics',
      panels: [
        timeseries({
          title: 'Tick to analytics published',
          description:
            'From the newest tick accepted to the summary that includes it, without the wait for the publishing interval or, for portfolios nobody follows, for spare time.',
          unit: 's',
          threshold: 'analytics_update',
          width: 8,
          queries: distribution('tidewatch_analytics_publish_latency_seconds'),
        }),
        timeseries({
          title: 'Updates per second',
          description: 'Portfolios marked to market: one per tick and portfolio that it touches.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_analytics_updates_total{$p}'), legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Updates per second while work waits',
          description: 'Only while ticks wait for the engine: below the line it falls behind the feed.',
          unit: 'ops',
          threshold: 'analytics_updates',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_analytics_update_rate{$p}',
              legend: '{{instance}}',
              mayBeEmpty: 'the engine keeps up',
            },
          ],
        }),
        timeseries({
          title: 'Ticks that wait',
          description: 'Stored ticks that the engine has not applied yet.',
          unit: 'short',
          width: 8,
          queries: [{ expr: 'tidewatch_analytics_queue_ticks{$p}', legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Publications',
          description: 'Summaries published, and changes that joined a publication already due.',
          unit: 'ops',
          width: 8,
          queries: [
            { expr: rate('tidewatch_analytics_publications_total{$p}'), legend: 'published {{instance}}' },
            { expr: rate('tidewatch_analytics_conflated_total{$p}'), legend: 'joined {{instance}}' },
          ],
        }),
        timeseries({
          title: 'Calculators',
          description: 'Runs of calculators that did not end well; repeated failure switches one off.',
          unit: 'ops',
          threshold: 'calculators_disabled',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_calculator_runs_total{$p, outcome!="ok"}', 'calculator, outcome'),
              legend: '{{calculator}} {{outcome}}',
              mayBeEmpty: 'every run ended well',
            },
            {
              expr: 'tidewatch_calculator_disabled{$p}',
              legend: '{{calculator}} switched off',
              mayBeEmpty: 'no calculator has run yet',
            },
          ],
        }),
      ],
    },
  ],
};
