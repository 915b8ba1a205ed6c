/** What CALCULATORS names: a module whose default export is a calculator. */
export default {
  name: 'newest_squared',
  description: 'the newest value, squared',
  version: '1',
  need: 1,
  compute: ({ values }) => ({ value: values[values.length - 1] ** 2 }),
};
