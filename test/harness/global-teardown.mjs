import { rmSync } from 'node:fs';

export default async function tearDown() {
  const started = globalThis.tidewatchTestServers;
  globalThis.tidewatchTestServers = undefined;
  if (started === undefined) return; // another project's teardown has done it
  const { servers, folder } = await started;
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
