import { wsSlowClosed } from '../../catalogue/broadcast.js';
import { writerDeadLetters, writerRefused } from '../../catalogue/store.js';
import { increaseOf } from '../signal.js';
import type { Rule } from './rule.js';

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
    threshold: 'slow_consumers',
    alerts: { warning: 'SlowConsumers' },
    signal: increaseOf(wsSlowClosed),
    dashboard: 'tidewatch-websocket',
    summary: '{value} clients were closed because they could not keep up',
    description:
      '{value} WebSocket clients were closed with 3008 within {window}: they could not read as fast as they had asked for.',
  },
];
