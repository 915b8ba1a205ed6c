import { histogram } from '../metric-spec.js';

/** Time from request parsed to response sent. Edges at the target (0.2 s) and the critical threshold (1 s). */
export const httpRequestSeconds = histogram(
  'tidewatch_http_request_duration_seconds',
  'Time to answer an HTTP request, by route template and status class.',
  [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5],
  {
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'other'],
    route: 'bounded',
    status: ['2xx', '3xx', '4xx', '5xx'],
  },
  { window: 'api_response_time' },
);
