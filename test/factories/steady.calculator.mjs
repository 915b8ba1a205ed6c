/** A heavy calculator that takes a moment, in which others might end its thread. */
export default async function compute({ values }) {
  await new Promise((resolve) => setTimeout(resolve, 60));
  return { value: values.length };
}
