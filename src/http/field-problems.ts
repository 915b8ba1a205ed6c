import type { FieldProblem } from '../domain/problem.js';

/** What schemas report; zod adds `code` and, for some codes, more to what Standard Schema promises. */
export interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
  readonly code?: string;
  /** Of `unrecognized_keys`. */
  readonly keys?: readonly string[];
  /** Of `invalid_union`: the issues of each alternative. */
  readonly errors?: ReadonlyArray<readonly Issue[]>;
  /** Of `invalid_type`. */
  readonly expected?: string;
  /** Of `invalid_format`. */
  readonly format?: string;
  /** Of `custom`: what our own checks say. */
  readonly params?: { readonly code?: string } | Readonly<Record<string, unknown>>;
}

export type RequestPart = 'body' | 'query' | 'param';

type Path = readonly PropertyKey[];

/** One issue as what is wrong with which fields. `name` is set when one parameter of many was validated. */
export function fieldProblems(issue: Issue, part: RequestPart, name?: string): FieldProblem[] {
  return problemsAt(issue, name === undefined ? [] : [name], part);
}

function problemsAt(issue: Issue, base: Path, part: RequestPart): FieldProblem[] {
  const path = [...base, ...stepsOf(issue)];
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    return issue.keys.map((key) => ({
      pointer: pointer([...path, key], part),
      code: 'UNKNOWN_FIELD',
      message: 'is not a known field',
    }));
  }
  const alternatives = issue.message === 'Invalid input' ? (issue.errors ?? []) : [];
  const meant = alternatives.filter((issues) => issues.every((each) => !refusesWhole(each)));
  // Of the alternatives, the one that was meant is the one with the right shape and the fewest faults.
  const nearest = meant.sort((a, b) => a.length - b.length)[0];
  if (nearest !== undefined) return nearest.flatMap((each) => problemsAt(each, path, part));
  const message = alternatives.length > 0 ? messageOfAll(alternatives.flat()) : messageOf(issue);
  return [{ pointer: pointer(path, part), code: codeOf(issue), message }];
}

/** What all alternatives of a union say. */
function messageOfAll(issues: readonly Issue[]): string {
  const missing = issues.every(({ message }) => message.endsWith(', received undefined'));
  return `${missing ? 'is missing: ' : ''}must be ${[...new Set(issues.map(wanted))].join(' or ')}`;
}

/** Our own checks name their code, or the value is just `INVALID`. */
const codeOf = ({ code = 'invalid', params }: Issue): string =>
  code === 'custom' ? String(params?.code ?? 'INVALID') : code.toUpperCase();

const stepsOf = ({ path = [] }: Issue): PropertyKey[] =>
  path.map((step) => (typeof step === 'object' ? step.key : step));

/** The value itself is of the wrong type or form; nothing within it has been looked at. */
const refusesWhole = (issue: Issue): boolean =>
  stepsOf(issue).length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_format');

const names: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
  date: 'an ISO 8601 date',
  datetime: 'an ISO 8601 time with its zone',
  null: 'null',
};

const wanted = ({ expected, format, message }: Issue): string =>
  names[expected ?? format ?? ''] ?? expected ?? message;

const options = /^Invalid (?:option|input): expected (?:one of )?(".*)$/s;

/** Messages of a schema stay; those that zod makes up by default become sentences about the field. */
function messageOf(issue: Issue): string {
  const { message, code } = issue;
  const received = /, received (\w+)$/.exec(message)?.[1];
  if (code === 'invalid_type' && received !== undefined && message.startsWith('Invalid input: expected ')) {
    if (received === 'undefined') return `is missing: must be ${wanted(issue)}`;
    return `must be ${received === 'Infinity' ? 'a finite number' : wanted(issue)}, not ${names[received] ?? received}`;
  }
  if (code === 'invalid_format' && message.startsWith('Invalid ISO ')) return `must be ${wanted(issue)}`;
  if (code === 'invalid_value') {
    const values = options.exec(message)?.[1];
    if (values !== undefined) return `must be ${values.replaceAll('"', '').replaceAll('|', ', ')}`;
  }
  return message;
}

export function pointer(path: Path, part: RequestPart): string {
  const escaped = path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  if (part === 'query') return `?${escaped.join('/')}`;
  if (part === 'param') return `{${escaped.join('/')}}`;
  return escaped.map((step) => `/${step}`).join('');
}
