import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { type FieldProblem, Problem } from '../domain/problem.js';
import { Hub } from './hub.js';
import { isDeeperThan, pathOfInfinity } from './path-of-infinity.js';
import { isCustomTopic } from './protocol/topics.js';

const maxDataChars = 64 * 1024;
/** Objects and arrays within each other: whoever reads it, here or at a client, may do so by recursion. */
const maxLevels = 64;

export const publishSchema = z.strictObject({
  messages: z
    .array(
      z.strictObject({
        topic: z.string().refine(isCustomTopic, {
          message: 'is not a topic below custom.',
          params: { code: 'UNKNOWN_TOPIC' },
        }),
        data: z.unknown().superRefine((data, context) => {
          if (data === undefined)
            context.addIssue({ code: 'custom', message: 'is missing', params: { code: 'MISSING' } });
          // JSON.parse makes Infinity of 1e400, and that would be sent as null.
          const path = pathOfInfinity(data);
          if (path !== undefined) {
            const message = 'is beyond the range of numbers';
            context.addIssue({ code: 'custom', path, message, params: { code: 'OUT_OF_RANGE' } });
          }
          if (isDeeperThan(maxLevels, data)) {
            const message = `is nested more than ${maxLevels} levels deep`;
            context.addIssue({ code: 'custom', message, params: { code: 'TOO_DEEP' } });
          }
        }),
      }),
    )
    .min(1)
    .max(1_000),
});
type PublishBody = z.output<typeof publishSchema>;

@Controller('api/v1/publish')
export class PublishController {
  constructor(private readonly hub: Hub) {}

  /** Publishes in order; all of it or, when anything is wrong, nothing. Answers with the offsets. */
  @Post()
  @HttpCode(200)
  async publish(@Body({ schema: publishSchema }) { messages }: PublishBody) {
    const ready = messages.map(({ topic, data }) => ({ topic, data, json: JSON.stringify(data) }));
    const errors = ready.flatMap(({ json }, i): FieldProblem[] =>
      json.length <= maxDataChars
        ? []
        : [
            {
              pointer: `/messages/${i}/data`,
              code: 'TOO_BIG',
              message: `has more than ${maxDataChars} characters of JSON`,
            },
          ],
    );
    if (errors[0] !== undefined) {
      throw new Problem(422, 'VALIDATION_FAILED', `${errors[0].pointer}: ${errors[0].message}`, { errors });
    }
    const published = await this.hub.publishAll(ready);
    return {
      published: published.length,
      offsets: published.map(({ offset }) => offset),
      positions: published.map(({ topic, epoch, offset }) => ({ topic, epoch, offset })),
    };
  }
}
