/** Seeded series on which careless streaming statistics lose digits; the same on every run. */
export function hostileSeries(length: number): [name: string, values: Float64Array][] {
  let state = 20_260_101;
  const uniform = (): number => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const series = (f: (i: number) => number): Float64Array => Float64Array.from({ length }, (_, i) => f(i));
  let x = 100;
  const walk = (): number => {
    x *= 1 + 0.001 * (uniform() - 0.5);
    return x;
  };
  return [
    ['a random walk', series(walk)],
    ['noise of 1e-3 on 1e9', series(() => 1e9 + (uniform() - 0.5) * 1e-3)],
    ['noise of 1e-6 on 1', series(() => 1 + (uniform() - 0.5) * 1e-6)],
    ['a walk with spikes of 1e15', series((i) => (i % 97 === 13 ? 1e15 : walk()))],
    ['spikes of both signs', series((i) => (i % 89 === 7 ? 1e15 : i % 89 === 8 ? -1e15 : walk()))],
    ['signs that alternate', series((i) => (i % 2 === 0 ? 1 : -1) * (1 + uniform()))],
    ['magnitudes from 1e-100 to 1e100', series(() => 10 ** (200 * uniform() - 100))],
    ['a step', series((i) => (i < length / 2 ? 1 : 1e6) + uniform() * 1e-3)],
    ['a steep line', series((i) => 1e12 + i * 1e-3)],
    ['a constant', series(() => 0.1)],
  ];
}
