/** What a heavy calculator's module looks like: it stands by itself and exports the function. */
export default function compute({ values, portfolioId }) {
  if (portfolioId.startsWith('FAILS')) throw new Error('no luck');
  if (portfolioId.startsWith('HANGS')) for (;;);
  if (portfolioId === 'EXITS') process.exit(3);
  if (portfolioId.startsWith('LEAVES')) Promise.reject(new Error('left behind'));
  if (portfolioId === 'STRAYS') {
    setTimeout(() => {
      throw new Error('stray');
    }, 20);
  }
  return { value: values.length, thread: 'worker' };
}
