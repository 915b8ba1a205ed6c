const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Median CPU milliseconds of one call of `work`, after a warm-up that lets everything compile. */
export function medianCpuMs(work: () => unknown, { rounds = 15, calls = 1, warmUp = 5 } = {}): number {
  for (let i = 0; i < warmUp * calls; i++) work();
  const times: number[] = [];
  for (let r = 0; r < rounds; r++) {
    const before = cpuMs();
    for (let c = 0; c < calls; c++) work();
    times.push((cpuMs() - before) / calls);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Seeded, cheap, roughly normal noise with deviation 1: input for timings only. */
export function noise(length: number, seed: number): Float64Array {
  let x = seed >>> 0;
  const uniform = (): number => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x / 2 ** 32;
  };
  return Float64Array.from(
    { length },
    () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
  );
}
