import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fullWindow } from '../window-budget.js';
import type { Calculator } from './calculator.js';
import { errorMessage } from './error-message.js';

/** Calculators beyond this would make every summary a report. */
const maxCalculators = 32;

/** Calculators by name, in the order in which they were registered. */
export class CalculatorRegistry {
  private readonly byName = new Map<string, Calculator>();

  constructor(builtIn: Iterable<Calculator> = []) {
    for (const calculator of builtIn) this.register(calculator);
  }

  /** @throws TypeError for what is no calculator, or a name that is taken */
  register(calculator: Calculator): void {
    const { name, description, version, need } = calculator;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,47}$/.test(name)) {
      throw new TypeError(`"${name}" is no name of a calculator: lower_snake_case, at most 48 characters`);
    }
    if (this.byName.has(name)) throw new TypeError(`there is a calculator "${name}" already`);
    if (typeof description !== 'string' || typeof version !== 'string') {
      throw new TypeError(`calculator "${name}" needs a description and a version`);
    }
    if (!(Number.isInteger(need) && need >= 1 && need <= fullWindow))
      throw new TypeError(
        `calculator "${name}": need must be from 1 to ${fullWindow}, the values of a window`,
      );
    const runs = 'module' in calculator ? typeof calculator.module : typeof calculator.compute;
    if (runs !== ('module' in calculator ? 'string' : 'function')) {
      throw new TypeError(`calculator "${name}" has neither a compute function nor a module`);
    }
    if ('module' in calculator && URL.parse(calculator.module)?.protocol !== 'file:')
      throw new TypeError(`calculator "${name}": module must be a file: URL, not "${calculator.module}"`);
    if (this.byName.size >= maxCalculators) throw new TypeError(`more than ${maxCalculators} calculators`);
    this.byName.set(name, calculator);
  }

  /**
   * Registers the default export of each module.
   * @param paths files, relative to the working directory
   * @throws Error naming the module that is missing or wrong
   */
  async load(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const url = pathToFileURL(isAbsolute(path) ? path : resolve(path)).href;
      try {
        const { default: calculator } = (await import(url)) as { default?: Calculator };
        if (typeof calculator !== 'object' || calculator === null)
          throw new TypeError('its default export is not an object');
        this.register(calculator);
        if ('module' in calculator && !existsSync(fileURLToPath(calculator.module)))
          throw new TypeError(`there is no ${fileURLToPath(calculator.module)}`);
      } catch (error) {
        throw new Error(`calculator ${path}: ${errorMessage(error)}`);
      }
    }
  }

  get size(): number {
    return this.byName.size;
  }

  all(): IterableIterator<Calculator> {
    return this.byName.values();
  }
}
