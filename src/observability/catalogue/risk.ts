import { counter, gauge, histogram } from '../metric-spec.js';

const methods = ['historical', 'parametric', 'ewma', 'cornish_fisher', 'student_t', 'monte_carlo'] as const;
const kinds = ['var', 'components', 'covariance', 'rolling_backtest', 'paths'] as const;

export const riskCalculation = histogram(
  'tidewatch_risk_calculation_seconds',
  'Time of one VaR calculation or decomposition, wait for a worker included, by method and where it ran.',
  [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 1, 2.5, 4.5, 5, 10],
  { method: methods, where: ['inline', 'worker'] },
  { window: 'var_time' },
);
export const riskTasks = counter(
  'tidewatch_risk_tasks_total',
  'Risk calculations by outcome; refused: the input has no answer, shared: joined one that was already running.',
  {
    kind: kinds,
    outcome: ['ok', 'cached', 'shared', 'refused', 'failed', 'deadline', 'cancelled', 'queue_full'],
  },
);
export const riskQueue = gauge('tidewatch_risk_queue_tasks', 'Calculations waiting for a worker thread.');
export const riskCacheBytes = gauge('tidewatch_risk_cache_bytes', 'Bytes of cached results.');
export const riskCacheEvictions = counter(
  'tidewatch_risk_cache_evictions_total',
  'Results that left the cache for want of room.',
);

export const riskLivePortfolios = gauge(
  'tidewatch_risk_live_portfolios',
  'Portfolios whose VaR is kept at tick speed, and those that wait for a history or prices.',
  { state: ['live', 'waiting'] },
);
export const riskStateBytes = gauge(
  'tidewatch_risk_state_bytes',
  'Memory of the incremental state: shared scenario panels, per-portfolio vectors, simulated paths.',
  { part: ['panels', 'portfolios', 'paths'] },
);
export const riskStateEvictions = counter(
  'tidewatch_risk_state_evictions_total',
  'Incremental states dropped because the budget was used up.',
  { part: ['portfolios', 'paths'] },
);
export const riskStateFailures = counter(
  'tidewatch_risk_state_failures_total',
  'Incremental states that could not be built; tried again every ten seconds.',
);
export const riskUpdates = counter(
  'tidewatch_risk_updates_total',
  'Exposure changes applied to incremental states.',
);
export const riskPublished = counter(
  'tidewatch_risk_published_total',
  'Conflated risk figures handed to subscribers.',
);
export const riskUpdateTime = histogram(
  'tidewatch_risk_update_seconds',
  'Time to bring one portfolio up to the latest prices and read every figure, on the event loop.',
  [0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0015, 0.005, 0.01, 0.05],
);
export const riskOldestFigure = gauge(
  'tidewatch_risk_oldest_figure_timestamp_seconds',
  'When the oldest live risk figure was computed or confirmed, Unix time.',
);

export const riskRevaluations = counter(
  'tidewatch_risk_revaluations_total',
  'Full revaluations held against the incremental figure.',
);
export const riskRevaluationDifference = gauge(
  'tidewatch_risk_revaluation_difference_ratio',
  'Largest relative difference of an incremental figure from its full revaluation within the last five minutes.',
);

export const riskVarExceptions = gauge(
  'tidewatch_risk_var_exceptions',
  'Days within the last 250 on which the loss of the present holdings exceeded the 99 % VaR forecast.',
  { portfolio: 'bounded' },
  { fold: 'max' },
);
export const riskKupiec = gauge(
  'tidewatch_risk_kupiec_p_value',
  "P-value of Kupiec's test of those exceptions; small: the coverage is rejected.",
  { portfolio: 'bounded' },
);
export const riskBacktestTime = gauge(
  'tidewatch_risk_backtest_timestamp_seconds',
  'When the rolling backtest of the portfolio last ran, Unix time.',
  { portfolio: 'bounded' },
);
export const riskBacktestPortfolios = gauge(
  'tidewatch_risk_backtest_portfolios',
  'Live portfolios with a rolling backtest, those that wait for their first, and those with nothing or too little to test.',
  { state: ['tested', 'waiting', 'short'] },
);
export const riskOldestBacktest = gauge(
  'tidewatch_risk_oldest_backtest_timestamp_seconds',
  'When the oldest rolling backtest of a live portfolio ran, or since when one waits for its first, Unix time.',
);
export const riskBacktestSeconds = histogram(
  'tidewatch_risk_backtest_seconds',
  'Time of one rolling backtest.',
  [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
);
export const riskHistoryAge = gauge(
  'tidewatch_risk_history_timestamp_seconds',
  'Last day of the return history that the portfolio is measured on, Unix time.',
  { portfolio: 'bounded' },
);

export const riskLimits = gauge('tidewatch_risk_limits', 'Active limits by status.', {
  status: ['normal', 'warning', 'breach', 'unknown'],
});
export const riskTransitions = counter(
  'tidewatch_risk_limit_transitions_total',
  'Limits that changed status.',
  {
    to: ['normal', 'warning', 'breach', 'unknown'],
  },
);
export const riskUnsaved = counter(
  'tidewatch_risk_limit_unsaved_total',
  'Transitions and metrics that could not be written: dropped after retries, or because too many waited.',
  { what: ['transition', 'metric'] },
);
export const riskWhatIf = counter('tidewatch_risk_what_if_total', 'Pre-trade decisions.', {
  decision: ['allow', 'deny'],
  reason: [
    'WITHIN_LIMITS',
    'REDUCES_RISK',
    'NO_LIMITS',
    'LIMIT_BREACH',
    'STALE_DATA',
    'MISSING_PRICE',
    'MISSING_HISTORY',
    'SHORT_HISTORY',
    'LIMIT_NOT_EVALUATED',
  ],
});
export const riskWhatIfTime = histogram(
  'tidewatch_risk_what_if_seconds',
  'Time of one pre-trade decision.',
  [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1],
);
