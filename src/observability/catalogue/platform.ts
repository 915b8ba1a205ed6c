import { gauge } from '../metric-spec.js';

export const ready = gauge(
  'tidewatch_ready',
  'Whether the readiness check lets traffic in (1); 0 while starting, draining, or without the database.',
);
