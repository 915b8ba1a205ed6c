import {
  riskKupiec,
  riskLimits,
  riskOldestFigure,
  riskRevaluationDifference,
  riskVarExceptions,
} from '../../catalogue/risk.js';
import { ageOf, gaugeOf } from '../signal.js';
import type { Rule } from './rule.js';

export const riskRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'risk',
    threshold: 'var_exceptions',
    alerts: { warning: 'VarExceptionsYellow', critical: 'VarExceptionsRed' },
    signal: gaugeOf(riskVarExceptions),
    by: ['portfolio'],
    absent: 'good',
    dashboard: 'tidewatch-risk',
    summary: '{label:portfolio} lost more than its 99 % VaR on {value} of 250 days',
    description:
      'Losses of {label:portfolio} exceeded the 99 % VaR forecast on {value} of the last 250 days; more than {threshold} is outside of the traffic light.',
  },
  {
    kind: 'signal',
    group: 'risk',
    threshold: 'var_coverage',
    alerts: { warning: 'VarCoverageRejected' },
    signal: gaugeOf(riskKupiec, 'min'),
    by: ['portfolio'],
    absent: 'good',
    dashboard: 'tidewatch-risk',
    summary: "Kupiec's test rejects the VaR of {label:portfolio}",
    description:
      "The p-value of Kupiec's test of {label:portfolio} is {value}: so many, or so few, exceptions are not chance.",
  },
  {
    kind: 'signal',
    group: 'risk',
    threshold: 'var_revaluation',
    alerts: { critical: 'VarRevaluationDiffers' },
    signal: gaugeOf(riskRevaluationDifference),
    dashboard: 'tidewatch-risk',
    summary: 'The VaR at tick speed differs from a full revaluation by {value}',
    description:
      'An incremental VaR differs from its full revaluation by {value} (relative), more than rounding explains ({threshold}).',
  },
  {
    kind: 'signal',
    group: 'risk',
    threshold: 'risk_age',
    alerts: { warning: 'RiskFiguresStale' },
    signal: ageOf(riskOldestFigure, 'oldest'),
    absent: 'good',
    dashboard: 'tidewatch-risk',
    summary: 'The oldest live risk figure is {value} old',
    description: 'A live portfolio has a risk figure that is {value} old; limits are judged on it.',
  },
  {
    kind: 'signal',
    group: 'risk',
    threshold: 'limit_breaches',
    alerts: { warning: 'LimitsInBreach' },
    signal: gaugeOf(riskLimits, 'max', { status: 'breach' }),
    dashboard: 'tidewatch-risk',
    summary: '{value} risk limits are in breach',
    description: '{value} active risk limits are in breach. Which ones: GET /api/v1/alerts?name=RiskLimit.',
  },
];
