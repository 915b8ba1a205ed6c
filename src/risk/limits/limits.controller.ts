import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
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
  constructor(private readonly limits: LimitsService) {}

  @Get('limits')
  list(@Param('id', { schema: portfolioId }) id: string) {
    return this.limits.list(id);
  }

  @Post('limits')
  create(@Param('id', { schema: portfolioId }) id: string, @Body({ schema: newLimit }) body: NewLimit) {
    return this.limits.create(id, body);
  }

  @Patch('limits')
  changeNamed(
    @Param('id', { schema: portfolioId }) id: string,
    @Body({ schema: limitPatch }) body: LimitPatch,
  ) {
    return this.limits.change(id, undefined, body);
  }

  @Delete('limits')
  @HttpCode(204)
  deleteNamed(
    @Param('id', { schema: portfolioId }) id: string,
    @Query({ schema: limitSelector }) selector: LimitSelector,
  ) {
    return this.limits.delete(id, selector);
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
  ) {
    return this.limits.change(id, limit, body);
  }

  @Delete('limits/:limit')
  @HttpCode(204)
  delete(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
  ) {
    return this.limits.delete(id, { id: limit });
  }

  @Post('limits/:limit/ack')
  @HttpCode(200)
  acknowledge(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Body({ schema: acknowledgement }) body: Acknowledgement,
  ) {
    return this.limits.acknowledge(id, limit, body);
  }

  @Post('limits/:limit/increase')
  @HttpCode(200)
  increase(
    @Param('id', { schema: portfolioId }) id: string,
    @Param('limit', { schema: limitId }) limit: string,
    @Body({ schema: increase }) body: Increase,
  ) {
    return this.limits.increase(id, limit, body);
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
}
