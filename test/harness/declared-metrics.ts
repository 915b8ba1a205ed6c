import { catalogue } from '../../src/observability/catalogue/index.js';
import { discover, shippedFolder } from '../../src/observability/collection/discovery.js';
import type { MetricSpec } from '../../src/observability/metric-spec.js';

/** Every metric that is declared: in the catalogue, or in the manifest of a shipped collector. */
export async function declaredMetrics(): Promise<ReadonlyMap<string, MetricSpec>> {
  const { found, broken } = await discover({
    folders: [{ path: shippedFolder, origin: 'shipped' }],
    packagesFrom: [],
  });
  if (broken.length > 0) throw new Error(`collectors that cannot be used: ${JSON.stringify(broken)}`);
  const specs = [...catalogue, ...found.flatMap(({ definition }) => definition.manifest.metrics)];
  return new Map(specs.map((spec) => [spec.name, spec]));
}
