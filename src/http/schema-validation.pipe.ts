import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { type FieldProblem, Problem } from '../domain/problem.js';

/** What schemas report; zod adds `code` and, for unknown fields, `keys` to what Standard Schema promises. */
interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
  readonly code?: string;
  readonly keys?: readonly string[];
}

/** More wrong fields than this are not listed. */
const maxErrors = 50;

/**
 * Validates `@Body({ schema })`, `@Query({ schema })` and `@Param('id', { schema })` with the schema that the
 * decorator names: 422 for bodies, 400 for the URL, each wrong field with its JSON pointer.
 */
export class SchemaValidationPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.schema === undefined || metadata.type === 'custom') return value;
    const result = await metadata.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw validationProblem(result.issues as readonly Issue[], metadata.type, metadata.data);
  }
}

/** Schema issues as the error that the client gets. `name` is set when one parameter of many was validated. */
export function validationProblem(
  issues: readonly Issue[],
  part: 'body' | 'query' | 'param',
  name?: string,
): Problem {
  const errors = issues.flatMap((issue) => fieldProblems(issue, part, name)).slice(0, maxErrors);
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  const first = errors[0];
  const detail =
    first === undefined ? 'Validation failed.' : `${first.pointer || 'The body'}: ${first.message}${more}`;
  return part === 'body'
    ? new Problem(422, 'VALIDATION_FAILED', detail, { errors })
    : new Problem(400, 'INVALID_PARAMETER', detail, { errors });
}

function fieldProblems(issue: Issue, part: 'body' | 'query' | 'param', name?: string): FieldProblem[] {
  const path = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  if (name !== undefined) path.unshift(name);
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    return issue.keys.map((key) => ({
      pointer: pointer([...path, key], part),
      code: 'UNKNOWN_FIELD',
      message: 'is not a known field',
    }));
  }
  const code = (issue.code ?? 'invalid').toUpperCase();
  return [{ pointer: pointer(path, part), code, message: issue.message }];
}

function pointer(path: readonly PropertyKey[], part: 'body' | 'query' | 'param'): string {
  const escaped = path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  if (part === 'query') return `?${escaped.join('/')}`;
  if (part === 'param') return `{${escaped.join('/')}}`;
  return escaped.map((step) => `/${step}`).join('');
}
