/** What a schema says about a value; a part of what zod reports, which has more than Standard Schema promises. */
interface Issue {
  readonly message?: string | undefined;
  /** Of keys and, in Standard Schema, of `{key}`. */
  readonly path?: readonly unknown[] | undefined;
  readonly code?: string | undefined;
  /** Of `invalid_type`. */
  readonly expected?: string;
  /** Of `invalid_value`: what is allowed. */
  readonly values?: readonly unknown[];
  /** Of `invalid_format`. */
  readonly format?: string;
  readonly pattern?: string;
  /** Of `too_small` and `too_big`: of what kind of value; the bound, and whether it is allowed itself. */
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  /** Of `unrecognized_keys`. */
  readonly keys?: readonly string[];
  /** Of `invalid_union`: the issues of each alternative. */
  readonly errors?: ReadonlyArray<readonly Issue[]>;
  /** Of `invalid_key`: what is wrong with the name of a field. */
  readonly issues?: readonly Issue[];
  /** The schema itself; only while zod looks for a message. */
  readonly inst?: unknown;
}

/** Faults that are listed; the others are counted. */
const maxListed = 10;
/** Longest text that is shown of what was found. */
const maxShown = 40;
/** Fields whose value may be a secret, or hold one: they are described, not shown. */
const secretive = /(^|_)(hash|key|secret|token|password|headers|url|dsn)$/i;

/**
 * Says what is wrong with a document (a file of settings) in the manner of the settings themselves: where, what must be
 * there, what was found. `keys[0].scopes[1]: must be read, ingest or admin (found "root")`
 *
 * @param issues of the schema; parsed with `{ error: plainly }` they also know which fields there are
 * @param document what was parsed
 */
export function documentFaults(issues: readonly Issue[], document: unknown): string {
  const faults = issues.flatMap((issue) => faultsAt(issue, [], document));
  const listed = faults.slice(0, maxListed);
  if (faults.length > maxListed) listed.push(`and ${faults.length - maxListed} more`);
  return listed.join('; ');
}

/** For `schema.safeParse(document, { error: plainly })`: messages where the schema has none of its own. */
export const plainly = (issue: Issue): string => sentence(issue);

type Path = readonly PropertyKey[];

function faultsAt(issue: Issue, base: Path, document: unknown): string[] {
  const path = [...base, ...stepsOf(issue)];
  if (issue.code === 'unrecognized_keys') {
    const known = /\(known .*\)$/.exec(issue.message ?? '')?.[0];
    return (issue.keys ?? []).map((key) =>
      [`${named([...path, key])} is not a known field`, known].filter(Boolean).join(' '),
    );
  }
  const meant = alternativeMeant(issue);
  if (meant !== undefined) return meant.flatMap((each) => faultsAt(each, path, document));
  const message = isDefault(issue) ? sentence(issue) : (issue.message ?? '');
  // A rule about the document as a whole says by itself what it has found.
  if (path.length === 0 && issue.code === 'custom') return [message];
  const found = valueAt(document, path);
  if (found === undefined && path.length > 0) return [`${named(path)} is missing: ${message}`];
  return [`${path.length === 0 ? '' : `${named(path)}: `}${message} (found ${shown(found, path)})`];
}

/** Of the alternatives, the one with the right shape and the fewest faults. */
function alternativeMeant({ code, errors }: Issue): readonly Issue[] | undefined {
  if (code !== 'invalid_union' || errors === undefined) return undefined;
  const inside = errors.filter((issues) => issues.every((each) => stepsOf(each).length > 0));
  return inside.sort((a, b) => a.length - b.length)[0];
}

const stepsOf = ({ path = [] }: Issue): PropertyKey[] =>
  path.map((step) =>
    typeof step === 'object' && step !== null && 'key' in step
      ? (step.key as PropertyKey)
      : (step as PropertyKey),
  );

/** Made up by zod, which speaks to programmers. */
const isDefault = ({ message }: Issue): boolean =>
  message === undefined || /^(Invalid |Too (small|big): |Unrecognized key)/.test(message);

const types: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
  null: 'null',
};

const formats: Readonly<Record<string, string>> = {
  url: 'a URL',
  date: 'an ISO 8601 date',
  datetime: 'an ISO 8601 time with its zone',
};

function sentence(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${types[issue.expected ?? ''] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${either((issue.values ?? []).map(String))}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `must match ${issue.pattern}`
        : `must be ${formats[issue.format ?? ''] ?? issue.format}`;
    case 'too_small':
      return bound(issue, issue.inclusive === false ? 'above' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue, issue.inclusive === false ? 'below' : 'at most', issue.maximum);
    case 'unrecognized_keys':
      return `holds fields that are not known${knownFields(issue.inst)}`;
    case 'invalid_union':
      return `must be ${[...new Set((issue.errors ?? []).flat().map(allowed))].join(' or ')}`;
    case 'invalid_key':
      return `its name ${(issue.issues ?? []).map((each) => (isDefault(each) ? sentence(each) : each.message)).join(', ')}`;
    default:
      return issue.message ?? 'is wrong';
  }
}

const allowed = (issue: Issue): string => sentence(issue).replace(/^must be /, '');

const sizes: Readonly<Record<string, string>> = {
  string: 'character',
  array: 'entry',
  set: 'entry',
  map: 'entry',
  record: 'entry',
};

function bound({ origin }: Issue, how: string, limit: number | bigint | undefined): string {
  const unit = sizes[origin ?? ''];
  if (unit === undefined) return `must be ${how} ${limit}`;
  const units = unit === 'entry' ? 'entries' : `${unit}s`;
  return `must have ${how} ${limit} ${Number(limit) === 1 ? unit : units}`;
}

const either = (values: readonly string[]): string =>
  values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;

function knownFields(schema: unknown): string {
  const { shape } = (schema ?? {}) as { shape?: object };
  return shape === undefined ? '' : ` (known are ${Object.keys(shape).join(', ')})`;
}

/** `keys[0].scopes` */
const named = (path: Path): string =>
  path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('');

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function shown(value: unknown, path: Path): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'string') return String(value);
  const isSecret = path.some((step) => secretive.test(String(step)));
  if (isSecret || value.length > maxShown) return `a text of ${value.length} characters`;
  return JSON.stringify(value);
}
