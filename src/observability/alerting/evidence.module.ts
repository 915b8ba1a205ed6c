import { Global, Module } from '@nestjs/common';
import { Evidence } from './evidence.js';

/** Apart from the alerting, so that any stage may register a source without depending on it. */
@Global()
@Module({ providers: [Evidence], exports: [Evidence] })
export class EvidenceModule {}
