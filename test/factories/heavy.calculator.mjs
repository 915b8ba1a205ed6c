/** What a heavy calculator's module looks like: it stands by itself and exports the function. */
export default function compute({ values, portfolioId }) {
  if (portfolioId === 'FAILS') throw new Error('no luck');
  if (portfolioId === 'HANGS') for (;;);
  if (portfolioId === 'EXITS') process.exit(3);
  if (portfolioId === 'STRAYS') Promise.reject(new Error('stray'));
  return { value: values.length, thread: 'worker' };
}
