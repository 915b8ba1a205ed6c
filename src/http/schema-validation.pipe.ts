import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { Problem } from '../domain/problem.js';
import { fieldProblems, type Issue, type RequestPart } from './field-problems.js';

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
export function validationProblem(issues: readonly Issue[], part: RequestPart, name?: string): Problem {
  const errors = issues.flatMap((issue) => fieldProblems(issue, part, name)).slice(0, maxErrors);
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  const first = errors[0];
  const detail =
    first === undefined ? 'Validation failed.' : `${first.pointer || 'The body'} ${first.message}${more}`;
  return part === 'body'
    ? new Problem(422, 'VALIDATION_FAILED', detail, { errors })
    : new Problem(400, 'INVALID_PARAMETER', detail, { errors });
}
