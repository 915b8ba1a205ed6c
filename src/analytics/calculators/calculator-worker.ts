import type { CalculatorInput } from './calculator.js';

/** Entry of a worker thread: imports the calculator's module (once per thread) and runs it. */
export default async function run({
  module,
  input,
}: {
  readonly module: string;
  readonly input: CalculatorInput;
}): Promise<unknown> {
  const { default: compute } = (await import(module)) as { default?: unknown };
  if (typeof compute !== 'function')
    throw new TypeError(`${module} has no default export that is a function`);
  return compute(input);
}
