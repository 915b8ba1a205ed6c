import { Controller, Get } from '@nestjs/common';
import { type TargetsAnswer, TargetsService } from './targets.service.js';

@Controller('api/v1/ops/targets')
export class TargetsController {
  constructor(private readonly targets: TargetsService) {}

  /** The eight rows of the threshold table and their states. */
  @Get()
  read(): TargetsAnswer {
    return this.targets.answer();
  }
}
