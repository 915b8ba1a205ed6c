import { Controller, Get } from '@nestjs/common';
import { type PoolStatus, Sources } from '../collection/sources.js';

@Controller('api/v1/ops/pool')
export class PoolController {
  constructor(private readonly sources: Sources) {}

  /** All pools of this process together, and each. Waits are of the last minutes, in ms. */
  @Get()
  read() {
    const pools = this.sources.get('pools')?.() ?? [];
    return {
      as_of: new Date().toISOString(),
      data_age_ms: 0,
      ...totals(pools),
      reason: pools.length === 0 ? 'this process has no connection pool' : null,
      pools: pools.map((pool) => ({ name: pool.name, ...answer(pool) })),
    };
  }
}

const answer = ({
  size,
  idle,
  inUse,
  waiting,
  max,
  acquireTimeouts,
  invalidConnections,
  wait,
}: PoolStatus) => ({
  size,
  idle,
  in_use: inUse,
  waiting,
  max,
  utilisation: max > 0 ? inUse / max : null,
  acquire_wait_ms: { p50: ms(wait.p50), p95: ms(wait.p95), p99: ms(wait.p99), samples: wait.count },
  acquire_timeouts: acquireTimeouts,
  invalid_connections: invalidConnections,
});

/** Counts add up; waits are those of the pool that is worst off: quantiles do not add up. */
function totals(pools: readonly PoolStatus[]) {
  const sum = (
    key: 'size' | 'idle' | 'inUse' | 'waiting' | 'max' | 'acquireTimeouts' | 'invalidConnections',
  ) => pools.reduce((total, pool) => total + pool[key], 0);
  const worst = (key: 'p50' | 'p95' | 'p99') => {
    const known = pools.map((pool) => pool.wait[key]).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  return answer({
    name: 'all',
    size: sum('size'),
    idle: sum('idle'),
    inUse: sum('inUse'),
    waiting: sum('waiting'),
    max: sum('max'),
    acquireTimeouts: sum('acquireTimeouts'),
    invalidConnections: sum('invalidConnections'),
    wait: {
      p50: worst('p50'),
      p95: worst('p95'),
      p99: worst('p99'),
      count: pools.reduce((total, { wait }) => total + wait.count, 0),
    },
  });
}

const ms = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);
