/** What a calculator is given: one portfolio's window, copied for this one call. Valid only during the call. */
export interface CalculatorInput {
  readonly portfolioId: string;
  readonly currency: string;
  /** Values of the portfolio, oldest first, at most 10,000; in its currency. */
  readonly values: Float64Array;
  /** Source time of the tick behind each value, Unix ms; may repeat and step back where symbols are not in step. */
  readonly times: Float64Array;
  /** Value moved by changes of positions inside the window, in the portfolio's currency. */
  readonly flows: readonly number[];
}

/** Plain data: it goes into the summary as it is. */
export interface CalculatorResult {
  /** Finite, or `null` with a reason: unknown is never 0. */
  readonly value: number | null;
  readonly reason?: string;
  readonly [detail: string]: unknown;
}

interface Described {
  /** `lower_snake_case`; the key in `summary.calculators`. */
  readonly name: string;
  /** Goes with every result: what the number means, with its unit. */
  readonly description: string;
  /** Changes when the formula does. */
  readonly version: string;
  /** Values the window must hold; below, the result is `null` with the reason `warming_up`. */
  readonly need: number;
}

/** Runs on the event loop, within a budget of a few milliseconds. */
export interface LightCalculator extends Described {
  readonly compute: (input: CalculatorInput) => CalculatorResult;
}

/** Runs on a worker thread: `module` is imported there and its default export called with the input. */
export interface HeavyCalculator extends Described {
  /** `file:` URL of a module that stands by itself. */
  readonly module: string;
}

export type Calculator = LightCalculator | HeavyCalculator;

/** A result must be small: it is part of every summary. */
const maxResultBytes = 4_096;

/**
 * A copy of a result as plain data: what the calculator does with its own object afterwards changes no summary.
 * @throws TypeError when a result is not what {@link CalculatorResult} says
 */
export function checkedResult(result: unknown): CalculatorResult {
  if (result instanceof Promise) {
    // Nobody waits for it: without this, its rejection would end the process.
    result.catch(() => undefined);
    throw new TypeError('the result is a promise; what takes time belongs into a module of its own');
  }
  requireResult(result);
  const json: string | undefined = JSON.stringify(result);
  if (json === undefined) throw new TypeError('the result is not plain data');
  if (json.length > maxResultBytes) {
    throw new TypeError(`the result is longer than ${maxResultBytes} bytes of JSON`);
  }
  const copy: unknown = JSON.parse(json);
  // A toJSON of its own may have made something else of it.
  requireResult(copy);
  return copy;
}

function requireResult(result: unknown): asserts result is CalculatorResult {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) {
    throw new TypeError('the result is not an object');
  }
  const { value, reason } = result as { value?: unknown; reason?: unknown };
  if (value !== null && !(typeof value === 'number' && Number.isFinite(value))) {
    throw new TypeError('value is neither a finite number nor null');
  }
  if (value === null && typeof reason !== 'string') throw new TypeError('a value of null needs a reason');
}
