import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Authorizer } from '../access/authorizer.js';
import { bearerToken } from '../access/bearer-token.js';
import { mayUse } from '../access/principal.js';
import { Problem } from '../domain/problem.js';
import { readEventId } from './event-stream.js';
import { EventStreams } from './event-streams.js';
import { defaultEveryMs } from './protocol/messages.js';
import { parseTopic } from './protocol/topics.js';
import { TapStreams } from './tap-streams.js';

/** Repeated, or separated by commas. */
const topics = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [...new Set([value].flat().flatMap((part) => part.split(',')))])
  .pipe(z.array(z.string().min(1).max(128)).min(1).max(20));

const streamSchema = z
  .strictObject({
    topic: topics,
    policy: z.enum(['all', 'conflate']).default('all'),
    every_ms: z.coerce.number().int().min(10).max(60_000).optional(),
    key: z.string().min(1).max(64).optional(),
    /** For clients that cannot set the header of the same name. */
    last_event_id: z.string().max(16_384).optional(),
  })
  .superRefine((query, context) => {
    // As on /ws/stream.
    for (const name of ['every_ms', 'key'] as const) {
      if (query.policy === 'conflate' || query[name] === undefined) continue;
      context.addIssue({ code: 'custom', path: [name], message: 'belongs to the policy "conflate"' });
    }
  });

const tapSchema = z.strictObject({ topic: z.string().min(1).max(128) });

@Controller('api/v1')
export class EventStreamController {
  constructor(
    private readonly streams: EventStreams,
    private readonly taps: TapStreams,
    private readonly authorizer: Authorizer,
  ) {}

  /** The publications of `/ws/stream` as server-sent events; `Last-Event-ID` resumes. */
  @Get('stream')
  async stream(
    @Query({ schema: streamSchema }) query: z.output<typeof streamSchema>,
    @Headers('authorization') authorization: string | undefined,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const conflates = query.policy === 'conflate';
    const request = {
      topics: query.topic,
      options: {
        policy: query.policy,
        everyMs: conflates ? (query.every_ms ?? defaultEveryMs) : 0,
        key: conflates ? (query.key ?? null) : null,
        delta: false,
      },
      since: readEventId(lastEventId ?? query.last_event_id ?? ''),
    };
    const address = reply.request.raw.socket.remoteAddress ?? 'unknown';
    const owner = this.streams.check(
      request,
      this.authorizer.authenticate(bearerToken(authorization)),
      address,
    );
    if (answersHead(reply)) return;
    reply.hijack();
    await this.streams.serve(reply.raw, request, owner);
  }

  /** Looks on at a topic: every publication, every write, every decision of a policy. For admins. */
  @Get('ops/tap')
  tap(
    @Query({ schema: tapSchema }) { topic }: z.output<typeof tapSchema>,
    @Headers('authorization') authorization: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    const principal = this.authorizer.authenticate(bearerToken(authorization));
    if (principal === undefined || !mayUse(principal, 'admin')) {
      throw new Problem(403, 'SCOPE_MISSING', 'Looking on at a topic needs the scope "admin".');
    }
    if (parseTopic(topic) === undefined) {
      throw new Problem(400, 'UNKNOWN_TOPIC', `There can be no topic "${topic}".`);
    }
    this.taps.check();
    if (answersHead(reply)) return;
    reply.hijack();
    this.taps.serve(reply.raw, topic, principal);
  }
}

/** HEAD, which Fastify routes here too: the headers, and no stream that nobody could read. */
function answersHead(reply: FastifyReply): boolean {
  if (reply.request.method !== 'HEAD') return false;
  void reply.header('content-type', 'text/event-stream; charset=utf-8').send();
  return true;
}
