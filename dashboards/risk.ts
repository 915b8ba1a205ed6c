import { type Dashboard, timeseries } from './house-style.js';
import { distribution, quantile, rate } from './panels/queries.js';

const noHistory = 'no portfolio has a long enough history';

export const risk: Dashboard = {
  uid: 'tidewatch-risk',
  title: 'Tidewatch: risk',
  description: 'VaR calculations, the figures at tick speed, limits, and the models watched like services.',
  rows: [
    {
      title: 'Calculations',
      panels: [
        timeseries({
          title: 'VaR calculation time',
          description: 'One VaR calculation, any method, wait for a worker included.',
          unit: 's',
          threshold: 'var_time',
          width: 8,
          queries: distribution('tidewatch_risk_calculation_seconds'),
        }),
        timeseries({
          title: 'Calculation time by method',
          description: '95th percentile by method.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.95, 'tidewatch_risk_calculation_seconds', '', 'method'),
              legend: '{{method}}',
              exemplars: true,
            },
          ],
        }),
        timeseries({
          title: 'Calculations by outcome',
          description: 'Refused: the input has no answer. Shared: joined one that was already running.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_risk_tasks_total{$p}', 'kind, outcome'),
              legend: '{{kind}} {{outcome}}',
            },
          ],
        }),
        timeseries({
          title: 'Waiting for a worker',
          description: 'Calculations in the queue of the worker threads.',
          unit: 'short',
          width: 8,
          queries: [{ expr: 'tidewatch_risk_queue_tasks{$p}', legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Update at tick speed',
          description: 'Time to bring one portfolio up to the latest prices, on the event loop.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.99, 'tidewatch_risk_update_seconds'),
              legend: 'p99 {{instance}}',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Live portfolios',
          description:
            'Portfolios whose VaR is kept at tick speed, and those that wait for a history or prices.',
          unit: 'short',
          width: 8,
          queries: [{ expr: 'tidewatch_risk_live_portfolios{$p}', legend: '{{state}} {{instance}}' }],
        }),
      ],
    },
    {
      title: 'Model quality',
      panels: [
        timeseries({
          title: 'VaR exceptions',
          description:
            'Days within the last 250 on which the loss exceeded the 99 % VaR; the lines are the Basel traffic light.',
          unit: 'short',
          threshold: 'var_exceptions',
          width: 8,
          queries: [
            {
              expr: 'topk(10, tidewatch_risk_var_exceptions{$p})',
              legend: '{{portfolio}}',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Kupiec p-value',
          description: 'Below the line the coverage of the model is rejected.',
          unit: 'short',
          threshold: 'var_coverage',
          width: 8,
          queries: [
            {
              expr: 'bottomk(10, tidewatch_risk_kupiec_p_value{$p})',
              legend: '{{portfolio}}',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Age of the oldest backtest',
          description: 'Exceptions and p-values are as old as this.',
          unit: 's',
          threshold: 'backtest_age',
          width: 8,
          queries: [
            {
              expr: 'time() - min(tidewatch_risk_oldest_backtest_timestamp_seconds{$p})',
              legend: 'oldest',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Time of a backtest',
          description: 'One rolling backtest of one portfolio, p99.',
          unit: 's',
          threshold: 'backtest_time',
          width: 8,
          queries: [
            {
              expr: quantile(0.99, 'tidewatch_risk_backtest_seconds'),
              legend: 'p99',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Difference from full revaluation',
          description: 'Largest relative difference of the VaR at tick speed from a full revaluation.',
          unit: 'sci',
          threshold: 'var_revaluation',
          width: 8,
          queries: [
            {
              expr: 'tidewatch_risk_revaluation_difference_ratio{$p}',
              legend: '{{instance}}',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Age of the oldest figure',
          description: 'Limits are judged on figures as old as this.',
          unit: 's',
          threshold: 'risk_age',
          width: 8,
          queries: [
            {
              expr: 'time() - tidewatch_risk_oldest_figure_timestamp_seconds{$p}',
              legend: '{{instance}}',
              mayBeEmpty: noHistory,
            },
          ],
        }),
        timeseries({
          title: 'Full revaluations',
          description: 'Full revaluations held against the figure at tick speed.',
          unit: 'ops',
          width: 8,
          queries: [{ expr: rate('tidewatch_risk_revaluations_total{$p}'), legend: '{{instance}}' }],
        }),
        timeseries({
          title: 'Memory of the state',
          description: 'Scenario panels, per-portfolio vectors and simulated paths.',
          unit: 'bytes',
          stacked: true,
          width: 8,
          queries: [{ expr: 'sum by (part) (tidewatch_risk_state_bytes{$p})', legend: '{{part}}' }],
        }),
      ],
    },
    {
      title: 'Limits',
      panels: [
        timeseries({
          title: 'Limits by status',
          description: 'Active limits. Unknown ones have no fresh figure: that is not normal.',
          unit: 'short',
          threshold: 'limit_breaches',
          width: 8,
          queries: [{ expr: 'sum by (status) (tidewatch_risk_limits{$p})', legend: '{{status}}' }],
        }),
        timeseries({
          title: 'Transitions',
          description: 'Limits that changed status.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: 'sum by (to) (increase(tidewatch_risk_limit_transitions_total{$p}[$__rate_interval]))',
              legend: 'to {{to}}',
            },
          ],
        }),
        timeseries({
          title: 'Pre-trade decisions',
          description: 'What-if answers by decision and reason.',
          unit: 'ops',
          width: 8,
          queries: [
            {
              expr: rate('tidewatch_risk_what_if_total{$p}', 'decision, reason'),
              legend: '{{decision}} {{reason}}',
              mayBeEmpty: 'nobody has asked',
            },
          ],
        }),
      ],
    },
  ],
};
