import { type FieldProblem, Problem } from '../../domain/problem.js';
import { simpleReturns } from '../../kernel/simple-returns.js';
import { type SymmetricMatrix, symmetricMatrix } from '../../kernel/symmetric-matrix.js';
import { panelOf, type ReturnPanel } from '../compute/return-panel.js';
import type { VarRequest } from './var.dto.js';

/** What a stateless request describes, aligned by symbol. */
export interface Holdings {
  readonly symbols: readonly string[];
  readonly panel: ReturnPanel | null;
  readonly covariance: SymmetricMatrix | null;
  readonly means: Float64Array | null;
  /** Money per symbol (weights times the portfolio's value). */
  readonly exposures: Float64Array;
  readonly value: number;
}

const refuse = (pointer: string, message: string, code = 'INVALID'): Problem =>
  new Problem(422, 'VALIDATION_FAILED', `${pointer}: ${message}`, {
    errors: [{ pointer, code, message } satisfies FieldProblem],
  });

/** Resolves names against each other. @throws Problem 422 naming the field that does not fit the others */
export function holdingsOf(body: VarRequest): Holdings {
  const symbols = symbolsOf(body);
  const history = historyOf(body, symbols);
  const exposures = exposuresOf(body, symbols);
  const value = body.positions === undefined ? body.portfolio_value : exposures.reduce((a, b) => a + b, 0);
  return { symbols, ...history, exposures, value };
}

function symbolsOf(body: VarRequest): readonly string[] {
  const { covariance, weights } = body;
  const series = body.returns ?? body.prices;
  const named =
    series !== undefined
      ? Object.keys(series)
      : covariance !== undefined && !Array.isArray(covariance)
        ? Object.keys(covariance)
        : null;
  if (named !== null) {
    if (body.symbols === undefined) return named;
    if (new Set(body.symbols).size !== body.symbols.length)
      throw refuse('/symbols', 'must not repeat a symbol');
    for (const symbol of body.symbols)
      if (!named.includes(symbol)) throw refuse('/symbols', `${symbol} has no series`);
    for (const symbol of named)
      if (!body.symbols.includes(symbol)) throw refuse('/symbols', `${symbol} is missing`);
    return body.symbols;
  }
  const size = (covariance as readonly unknown[]).length;
  const order =
    body.symbols ??
    (weights !== undefined && !Array.isArray(weights) ? Object.keys(weights) : positionSymbols(body)) ??
    Array.from({ length: size }, (_, i) => `asset_${i + 1}`);
  if (order.length !== size) throw refuse('/covariance', `has ${size} rows for ${order.length} symbols`);
  return order;
}

function positionSymbols({ positions }: VarRequest): string[] | undefined {
  if (positions === undefined) return undefined;
  return Array.isArray(positions) ? positions.map((p) => p.symbol) : Object.keys(positions);
}

function historyOf(
  body: VarRequest,
  symbols: readonly string[],
): Pick<Holdings, 'panel' | 'covariance' | 'means'> {
  if (body.covariance !== undefined) {
    return {
      panel: null,
      covariance: matrixOf(body.covariance, symbols),
      means: meansOf(body.means, symbols),
    };
  }
  const { returns, prices } = body;
  const series = symbols.map((symbol) => (returns ? returns[symbol]! : simpleReturns(prices![symbol]!)));
  if (series[0]!.length < 2) {
    const pointer = returns ? `/returns/${symbols[0]}` : `/prices/${symbols[0]}`;
    throw refuse(
      pointer,
      `is too short: ${series[0]!.length} return, at least 2 are needed`,
      'SHORT_HISTORY',
    );
  }
  return { panel: panelOf(series), covariance: null, means: null };
}

function matrixOf(given: NonNullable<VarRequest['covariance']>, symbols: readonly string[]): SymmetricMatrix {
  const rows = Array.isArray(given)
    ? given
    : symbols.map((row) =>
        symbols.map((column) => {
          const value = given[row]?.[column];
          if (value === undefined) throw refuse(`/covariance/${row}/${column}`, 'is missing');
          return value;
        }),
      );
  try {
    return symmetricMatrix(rows);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('/covariance', error.message);
    throw error;
  }
}

function meansOf(given: VarRequest['means'], symbols: readonly string[]): Float64Array | null {
  return given === undefined ? null : perSymbol(given, symbols, 'means');
}

/** A list in the order of the symbols, or a record with exactly them. */
function perSymbol(
  given: readonly number[] | Readonly<Record<string, number>>,
  symbols: readonly string[],
  field: string,
): Float64Array {
  if (isList(given)) {
    if (given.length !== symbols.length) {
      throw refuse(`/${field}`, `has ${given.length} entries for ${symbols.length} symbols`);
    }
    return Float64Array.from(given);
  }
  for (const symbol of Object.keys(given)) {
    if (!symbols.includes(symbol)) throw refuse(`/${field}/${symbol}`, 'has no series', 'UNKNOWN_SYMBOL');
  }
  return Float64Array.from(symbols, (symbol) => {
    const value = given[symbol];
    if (value === undefined) throw refuse(`/${field}`, `${symbol} is missing`, 'MISSING_SYMBOL');
    return value;
  });
}

const isList = (x: readonly number[] | Readonly<Record<string, number>>): x is readonly number[] =>
  Array.isArray(x);

function exposuresOf(body: VarRequest, symbols: readonly string[]): Float64Array {
  if (body.weights !== undefined) {
    return perSymbol(body.weights, symbols, 'weights').map((w) => w * body.portfolio_value);
  }
  if (body.positions === undefined) {
    if (symbols.length === 1) return Float64Array.of(body.portfolio_value);
    throw refuse('/weights', 'weights or positions must be given for more than one symbol', 'REQUIRED');
  }
  const exposures = new Float64Array(symbols.length);
  const seen = new Set<string>();
  const list = Array.isArray(body.positions)
    ? body.positions
    : Object.entries(body.positions).map(([symbol, quantity]) => ({ symbol, quantity, price: undefined }));
  list.forEach(({ symbol, quantity, price }, i) => {
    const pointer = Array.isArray(body.positions) ? `/positions/${i}` : `/positions/${symbol}`;
    const at = symbols.indexOf(symbol);
    if (at < 0) throw refuse(pointer, `${symbol} has no series`, 'UNKNOWN_SYMBOL');
    if (seen.has(symbol)) throw refuse(pointer, `${symbol} is given twice`);
    seen.add(symbol);
    const last = price ?? body.prices?.[symbol]?.at(-1);
    if (last === undefined) throw refuse(pointer, 'needs a price where prices are not given', 'REQUIRED');
    exposures[at] = quantity * last;
  });
  return exposures;
}
