import { sections } from './catalogue/index.js';
import { discover, shippedFolder } from './collection/discovery.js';
import { metricsDocument } from './metrics-document.js';

const titles: Readonly<Record<string, string>> = {
  ingest: 'Ingest',
  store: 'Store',
  analytics: 'Analytics',
  risk: 'Risk',
  broadcast: 'Broadcast',
  http: 'HTTP',
  platform: 'Platform',
  watching: 'Watching',
  alerting: 'Alerting',
};

/** METRICS.md from the catalogue and the shipped collectors. */
export async function artefacts(): Promise<readonly { path: string; text: string }[]> {
  const { found, broken } = await discover({
    folders: [{ path: shippedFolder, origin: 'shipped' }],
    packagesFrom: [],
  });
  if (broken.length > 0) throw new Error(`collectors that cannot be used: ${JSON.stringify(broken)}`);
  const documented = Object.entries(sections).map(([name, metrics]) => ({
    title: titles[name] ?? name,
    metrics,
  }));
  const manifests = found.map(({ definition }) => definition.manifest);
  return [{ path: 'METRICS.md', text: metricsDocument(documented, manifests) }];
}
