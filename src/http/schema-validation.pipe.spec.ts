import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Problem } from '../domain/problem.js';
import { SchemaValidationPipe } from './schema-validation.pipe.js';

const pipe = new SchemaValidationPipe();
const failure = async (value: unknown, metadata: Parameters<typeof pipe.transform>[1]): Promise<Problem> => {
  const error = await pipe.transform(value, metadata).catch((e: unknown) => e);
  if (!(error instanceof Problem)) throw new Error('expected a Problem');
  return error;
};

describe('SchemaValidationPipe', () => {
  it('names every wrong and every unknown field by its JSON pointer', async () => {
    const schema = z.strictObject({ orders: z.array(z.strictObject({ 'a/b': z.number() })) });
    const body = { orders: [{ 'a/b': 1 }, { 'a/b': 'x', extra: 1 }], surplus: true };
    const problem = await failure(body, { type: 'body', schema });
    expect([problem.status, problem.code]).toEqual([422, 'VALIDATION_FAILED']);
    const errors = problem.extra.errors?.map((e) => [e.pointer, e.code]);
    expect(errors).toEqual(
      expect.arrayContaining([
        ['/orders/1/a~1b', 'INVALID_TYPE'],
        ['/orders/1/extra', 'UNKNOWN_FIELD'],
        ['/surplus', 'UNKNOWN_FIELD'],
      ]),
    );
  });

  it('answers 400 for query and path parameters, naming the parameter', async () => {
    const query = z.strictObject({ limit: z.coerce.number().max(10) });
    const inQuery = await failure({ limit: '11' }, { type: 'query', schema: query });
    expect([inQuery.status, inQuery.extra.errors?.[0]?.pointer]).toEqual([400, '?limit']);
    const inPath = await failure('', { type: 'param', data: 'id', schema: z.string().min(1) });
    expect([inPath.status, inPath.extra.errors?.[0]?.pointer]).toEqual([400, '{id}']);
  });

  it('passes the parsed value on', async () => {
    const schema = z.strictObject({ limit: z.coerce.number().default(5) });
    expect(await pipe.transform({}, { type: 'query', schema })).toEqual({ limit: 5 });
  });

  it('lists a bounded number of wrong fields', async () => {
    const problem = await failure(new Array(1000).fill('x'), { type: 'body', schema: z.array(z.number()) });
    expect(problem.extra.errors).toHaveLength(50);
  });
});
