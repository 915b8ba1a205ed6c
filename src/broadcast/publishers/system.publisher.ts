import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Hub } from '../hub.js';
import { WsServer } from '../ws-server.js';

const heartbeatMs = 5_000;

/** `alerts`, and `system`: a heartbeat while anyone listens, and the announcement of a shutdown. */
@Injectable()
export class SystemPublisher {
  constructor(
    private readonly hub: Hub,
    private readonly server: WsServer,
    private readonly lifecycle: Lifecycle,
    events: EventBus,
  ) {
    events.on('alert.changed', ({ id, name, state, data }) =>
      hub.publish('alerts', { id, name, state, ...data }),
    );
    const timer = setInterval(() => {
      if (hub.isFollowed('system')) this.publish('heartbeat');
    }, heartbeatMs).unref();
    lifecycle.onShutdown('stop-intake', 'system topic', () => {
      clearInterval(timer);
      if (hub.isFollowed('system')) this.publish('draining');
    });
  }

  private publish(event: 'heartbeat' | 'draining'): void {
    this.hub.publish('system', {
      event,
      time: new Date().toISOString(),
      connections: this.server.connections.size,
      unready: this.lifecycle.unreadyReasons,
    });
  }
}
