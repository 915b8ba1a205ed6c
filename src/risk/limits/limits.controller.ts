import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Authorizer } from '../../access/authorizer.js';
import { bearerToken } from '../../access/bearer-token.js';
import { portfolioId } from '../request-fields.js';
import {
  type Acknowledgement,
  acknowledgement,
  type EventPage,
  eventPage,
  type Increase,
  increase,
  type LimitPatch,
  type LimitSelector,
  limitId,
  limitPatch,
  limitSelector,
  type NewLimit,
  newLimit,
} from './limit.dto.js';
import { LimitsService } from './limits.service.js';

/** Limits of one portfolio, their transitions and their audit. */
@Controller('api/v1/risk/portfolio/:id')
export class LimitsController {
  constructor(
    private readonly limits: LimitsService,
    private readonly authorizer: Authorizer,
  ) {}

  @Get('limits')
  list(@Param('id', { schema: portfolioId }) id: string) {
    return this.limits.list(id);
  }

  @Post('limits')
  create(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: newLimit }) body: NewLimit,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.create(id, body, this.actor(key));
  }

  @Patch('limits')
  changeNamed(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: limitPatch }) body: LimitPatch,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.change(id, undefined, body, this.actor(key));
  }

  @Delete('limits')
  @HttpCode(204)
  deleteNamed(
    @Param('id', { schema: portfolioId }) id: string,
    @Query({ schema: limitSelector }) selector: LimitSelector,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.delete(id, selector, this.actor(key));
  }

  @Get('limits/:limit')
  get(@Param('id', { schema: portfolioId }) id: string, @Param('limit', { schema: limitId }) limit: string) {
    return this.limits.get(id, limit);
  }

  @Patch('limits/:limit')
  change(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Body({ schema: limitPatch }) body: LimitPatch,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.change(id, limit, body, this.actor(key));
  }

  @Delete('limits/:limit')
  @HttpCode(204)
  delete(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.delete(id, { id: limit }, this.actor(key));
  }

  @Post('limits/:limit/ack')
  @HttpCode(200)
  acknowledge(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Body({ schema: acknowledgement }) body: Acknowledgement,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.acknowledge(id, limit, body, this.actor(key));
  }

  @Post('limits/:limit/increase')
  @HttpCode(200)
  increase(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Body({ schema: increase }) body: Increase,
    @Headers('authorization') key?: string,
  ) {
    return this.limits.increase(id, limit, body, this.actor(key));
  }

  @Get('limits/:limit/audit')
  audit(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
  ) {
    return this.limits.history(id, limit);
  }

  @Get('events')
  events(@Param('id', { schema: portfolioId }) id: string, @Query({ schema: eventPage }) page: EventPage) {
    return this.limits.transitions(id, page);
  }

  /** The name of the key; on an open server whoever reaches it is its operator. */
  private actor(key: string | undefined): string {
    if (this.authorizer.isOpen) return 'operator';
    return this.authorizer.authenticate(bearerToken(key))?.id ?? 'unknown';
  }
}
