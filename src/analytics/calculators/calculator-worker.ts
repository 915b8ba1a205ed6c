import { type CalculatorInput, type CalculatorResult, checkedResult } from './calculator.js';

/** Entry of a worker thread: imports the calculator's module (once per thread) and runs it. */
export default async function run({
  module,
  input,
}: {
  readonly module: string;
  readonly input: CalculatorInput;
}): Promise<CalculatorResult> {
  const { default: compute } = (await import(module)) as { default?: unknown };
  if (typeof compute !== 'function')
    throw new TypeError(`${module} has no default export that is a function`);
  const result = checkedResult(await compute(input));
  // What it has left behind and throws at once ends the thread now, as a failure of this run and not of the next one.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return result;
}
