import { type Panel, timeseries } from '../house-style.js';
import { distribution, mean, rate } from './queries.js';

const requests = 'tidewatch_http_request_duration_seconds';

/** Rate, errors and duration of the API. */
export const httpPanels: readonly Panel[] = [
  timeseries({
    title: 'Requests by status',
    description: 'Answered requests per second. 5xx burn the availability budget; 4xx are the clients’ own.',
    unit: 'reqps',
    stacked: true,
    width: 8,
    queries: [{ expr: rate(`${requests}_count{$p}`, 'status'), legend: '{{status}}' }],
  }),
  timeseries({
    title: 'Response time',
    description:
      'Distribution of response times over all routes; the target judges the mean, the burn rate the slow tail.',
    unit: 's',
    threshold: 'api_response_time',
    width: 8,
    queries: distribution(requests),
  }),
  timeseries({
    title: 'Slowest routes',
    description: 'Mean response time of the five slowest routes.',
    unit: 's',
    width: 8,
    queries: [{ expr: `topk(5, ${mean(requests, '', 'route')})`, legend: '{{route}}' }],
  }),
];
