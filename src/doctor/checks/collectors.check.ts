import { z } from 'zod';
import type { DoctorCheck, Finding } from '../doctor.js';

const answer = z.object({
  collectors: z.array(
    z.object({
      name: z.string(),
      enabled: z.boolean(),
      state: z.string(),
      stale: z.boolean().nullish(),
      error: z.object({ message: z.string() }).nullable(),
    }),
  ),
});
export type CollectorState = z.output<typeof answer>['collectors'][number];

/** Collectors of the running server that measure nothing: given up, stale, unusable. */
export const check: DoctorCheck = {
  name: 'collectors',
  run: async ({ server }, signal) => {
    if (server === null || server.url === null)
      return { status: 'ok', message: 'no server runs: none to ask' };
    const response = await fetch(`${server.url}/api/v1/ops/collectors`, { signal });
    if (response.status === 401 || response.status === 403)
      return { status: 'unknown', message: 'not asked: the server asks for an API key' };
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return judge(answer.parse(await response.json()).collectors);
  },
};

export function judge(collectors: readonly CollectorState[]): Finding | readonly Finding[] {
  const dead = collectors.flatMap((one): Finding[] => {
    const why = one.error === null ? '' : `: ${one.error.message}`;
    if (one.state === 'broken') return [{ status: 'error', message: `${one.name} cannot be used${why}` }];
    if (!one.enabled) return [];
    if (one.state === 'given_up') {
      const fix = `PATCH /api/v1/ops/collectors/${one.name} {"enabled": true}`;
      return [{ status: 'error', message: `${one.name} was given up${why}`, fix }];
    }
    if (!one.stale) return [];
    const fix = `npx tidewatch collectors test ${one.name}`;
    return [{ status: 'error', message: `${one.name} is stale, its series are withdrawn${why}`, fix }];
  });
  const running = collectors.filter(({ enabled }) => enabled).length;
  return dead.length > 0 ? dead : { status: 'ok', message: `${running} run` };
}
