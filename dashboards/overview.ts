import { type Dashboard, stat, timeseries } from './house-style.js';
import { httpPanels } from './panels/http.js';
import { processPanels } from './panels/process.js';
import { targetHistory, targetStats } from './panels/targets.js';

const budget = (slo: string, title: string) =>
  stat({
    title,
    description: `Share of bad events over the last six hours. The budget of ${slo} is spent when it stays above what the objective leaves.`,
    unit: 'percentunit',
    width: 8,
    queries: [
      {
        expr: `tidewatch:slo_errors:ratio_rate6h{slo="${slo}", $p}`,
        legend: '{{instance}}',
        mayBeEmpty: 'no event of the kind within six hours',
      },
    ],
  });

export const overview: Dashboard = {
  uid: 'tidewatch-overview',
  title: 'Tidewatch: overview',
  description: 'The eight rows of the threshold table, service levels, the API and the process.',
  rows: [
    { title: 'The eight rows', panels: targetStats },
    {
      title: 'Alerts and service levels',
      panels: [
        stat({
          title: 'Firing',
          description: 'In-app alerts that fire now, by severity. Details: GET /api/v1/alerts.',
          unit: 'short',
          queries: [
            { expr: 'sum by (severity) (tidewatch_alerts{state="firing", $p})', legend: '{{severity}}' },
          ],
        }),
        stat({
          title: 'Silenced',
          description: 'Alerts that fire and are kept quiet by a silence or a maintenance window.',
          unit: 'short',
          queries: [{ expr: 'sum(tidewatch_alerts_suppressed{$p})', legend: 'suppressed' }],
        }),
        stat({
          title: 'Rules without data',
          description: 'In-app rules that could not judge in the last round: unknown is not healthy.',
          unit: 'short',
          queries: [{ expr: 'sum(tidewatch_alert_rules_unknown{$p})', legend: 'unknown' }],
        }),
        stat({
          title: 'Ready',
          description: 'Whether the readiness check lets traffic in.',
          unit: 'bool_yes_no',
          threshold: 'not_ready',
          queries: [{ expr: 'tidewatch_ready{$p}', legend: '{{instance}}' }],
        }),
        budget('api_availability', 'Server errors'),
        budget('api_latency', 'Slow answers'),
        budget('freshness', 'Late analytics'),
        timeseries({
          title: 'Notifications',
          description:
            'Notifications by notifier and outcome; failed ones were given up after their retries.',
          unit: 'short',
          threshold: 'notifications_failing',
          width: 24,
          height: 6,
          queries: [
            {
              expr: 'sum by (notifier, outcome) (increase(tidewatch_alert_notifications_total{$p}[$__rate_interval]))',
              legend: '{{notifier}} {{outcome}}',
            },
          ],
        }),
      ],
    },
    { title: 'The eight rows over time', panels: targetHistory },
    { title: 'API', panels: httpPanels },
    { title: 'Process', panels: processPanels },
  ],
};
