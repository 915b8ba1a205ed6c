import { type CalculatorInput, type CalculatorResult, checkedResult } from './calculator.js';
import { errorMessage } from './error-message.js';

/** What was thrown is an answer, so that the other side can tell it from the end of the thread. */
export type Answer = { readonly result: CalculatorResult } | { readonly failure: string };

/** Entry of a worker thread: imports the calculator's module (once per thread) and runs it. */
export default async function run({
  module,
  input,
}: {
  readonly module: string;
  readonly input: CalculatorInput;
}): Promise<Answer> {
  let answer: Answer;
  try {
    answer = { result: await resultOf(module, input) };
  } catch (error) {
    answer = { failure: errorMessage(error) };
  }
  // What it has left behind and throws at once ends the thread now, as a failure of this run and not of the next one.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return answer;
}

async function resultOf(module: string, input: CalculatorInput): Promise<CalculatorResult> {
  const { default: compute } = (await import(module)) as { default?: unknown };
  if (typeof compute !== 'function')
    throw new TypeError(`${module} has no default export that is a function`);
  return checkedResult(await compute(input));
}
