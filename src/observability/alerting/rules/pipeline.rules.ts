import {
  wsBrokerUp,
  wsConnectionLimit,
  wsConnections,
  wsPublishFailures,
  wsSlowClosed,
} from '../../catalogue/broadcast.js';
import {
  storeJobFailures,
  writerDeadLetters,
  writerOldestSeconds,
  writerRefused,
  writerRows,
} from '../../catalogue/store.js';
import { collected, gaugeOf, increaseOf, ratioOf } from '../signal.js';
import type { Rule } from './rule.js';

const quarterHourMs = 15 * 60_000;

export const pipelineRules: readonly Rule[] = [
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'ingest_refused',
    alerts: { warning: 'IngestRefused' },
    signal: increaseOf(writerRefused),
    by: ['reason'],
    dashboard: 'tidewatch-pipeline',
    summary: 'Ingest refuses rows: {label:reason}',
    description:
      '{value} rows were refused with 503 ({label:reason}) within {window}; their senders repeat them, so prices are late.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'dead_letters',
    alerts: { warning: 'DeadLetters' },
    signal: increaseOf(writerDeadLetters),
    by: ['writer'],
    dashboard: 'tidewatch-pipeline',
    summary: 'PostgreSQL refused {value} rows of {label:writer} for good',
    description:
      '{value} rows of {label:writer} passed validation and were refused by PostgreSQL within {window}.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'unwritten_age',
    alerts: { warning: 'WriterBehind', critical: 'WriterStuck' },
    signal: gaugeOf(writerOldestSeconds),
    mayBeEmpty: 'nothing waits',
    by: ['writer'],
    absent: 'good',
    dashboard: 'tidewatch-pipeline',
    summary: 'Rows of {label:writer} wait for {value} to become durable',
    description:
      'The oldest accepted row of {label:writer} is not durable after {value}; its sender still waits for the answer.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'store_job_failures',
    alerts: { warning: 'StoreJobFailing' },
    signal: increaseOf(storeJobFailures),
    by: ['task'],
    dashboard: 'tidewatch-database',
    summary: 'The background job {label:task} keeps failing',
    description: 'The background job {label:task} of the store failed {value} times within {window}.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'market_data_silent',
    alerts: { warning: 'MarketDataSilent' },
    signal: increaseOf(writerRows, { writer: 'ticks' }),
    testedByHand: true,
    guards: [
      {
        signal: increaseOf(writerRows, { writer: 'ticks' }),
        windowMs: quarterHourMs,
        op: '>=',
        value: 100,
      },
    ],
    dashboard: 'tidewatch-pipeline',
    summary: 'No tick has been stored for a minute',
    description:
      'Ticks came within the last quarter of an hour and none within the last {window}: the feed has stopped.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'analytics_updates',
    alerts: { warning: 'AnalyticsBehind' },
    signal: gaugeOf(collected('tidewatch_analytics_update_rate'), 'min'),
    mayBeEmpty: 'the engine keeps up',
    absent: 'good',
    dashboard: 'tidewatch-pipeline',
    summary: 'Analytics do {value} while work is waiting',
    description:
      'Ticks wait for the analytics engine, and it does {value}; below {threshold} it falls behind the feed.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'calculators_disabled',
    alerts: { warning: 'CalculatorDisabled' },
    signal: gaugeOf(collected('tidewatch_calculator_disabled')),
    mayBeEmpty: 'no calculator has run yet',
    by: ['calculator'],
    absent: 'good',
    dashboard: 'tidewatch-pipeline',
    summary: 'The calculator {label:calculator} is switched off',
    description:
      'The calculator {label:calculator} failed or took too long repeatedly and was switched off; its figures are missing.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'slow_consumers',
    alerts: { warning: 'SlowConsumers' },
    signal: increaseOf(wsSlowClosed),
    dashboard: 'tidewatch-websocket',
    summary: '{value} clients were closed because they could not keep up',
    description:
      '{value} WebSocket clients were closed with 3008 within {window}: they could not read as fast as they had asked for.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'publish_failures',
    alerts: { warning: 'PublishFailures' },
    signal: increaseOf(wsPublishFailures),
    dashboard: 'tidewatch-websocket',
    summary: '{value} messages could not be published',
    description: '{value} messages could not be handed to the broker within {window}.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'broker_alone',
    alerts: { warning: 'BrokerAlone' },
    signal: gaugeOf(wsBrokerUp, 'min'),
    dashboard: 'tidewatch-websocket',
    summary: 'This node does not hear the others',
    description:
      'The broker is away: clients of this node get what this node publishes, and nothing of the other nodes.',
  },
  {
    kind: 'signal',
    group: 'pipeline',
    threshold: 'connections_full',
    alerts: { warning: 'ConnectionsHigh', critical: 'ConnectionsFull' },
    signal: ratioOf(gaugeOf(wsConnections, 'sum'), gaugeOf(wsConnectionLimit)),
    dashboard: 'tidewatch-websocket',
    summary: '{value} of the WebSocket connections are taken',
    description:
      '{value} of the connections that this process accepts are taken; beyond them clients are turned away.',
  },
];
