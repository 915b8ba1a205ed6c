import { toGrafana } from './house-style.js';
import { dashboards } from './index.js';

/** The JSON that Grafana reads. */
export async function artefacts(): Promise<readonly { path: string; text: string }[]> {
  return dashboards.map((dashboard) => ({
    path: `dashboards/json/${dashboard.uid}.json`,
    text: `${JSON.stringify(toGrafana(dashboard), null, 2)}\n`,
  }));
}
