import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { ready } from '../observability/catalogue/platform.js';
import { Metrics } from '../observability/metrics.js';

/** Shows Prometheus what `GET /health/ready` tells a load balancer. */
@Injectable()
export class ReadinessMetric {
  constructor(metrics: Metrics, lifecycle: Lifecycle) {
    metrics.gaugeFrom(ready, {}, () => (lifecycle.unreadyReasons.length === 0 ? 1 : 0));
  }
}
