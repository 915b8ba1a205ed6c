import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { EventBus } from '../../domain/event-bus.js';
import { Lifecycle } from '../../lifecycle/lifecycle.js';
import { Hub } from '../hub.js';
import { WsServer } from '../ws-server.js';

const heartbeatMs = 5_000;
/** How long a shutdown waits for what was published to be written, ms: with busy publishers it never is. */
const lastWordsMs = 200;

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
      if (hub.isFollowed('system')) hub.publish('system', this.state('heartbeat'));
    }, heartbeatMs).unref();
    lifecycle.onShutdown('stop-intake', 'system topic', () => {
      clearInterval(timer);
      return hub.isFollowed('system') ? this.lastWords() : undefined;
    });
  }

  /** Ends when they are written, so that they come before the goodbye. */
  private async lastWords(): Promise<void> {
    await this.hub.publishAll([{ topic: 'system', data: this.state('draining') }]);
    const until = Date.now() + lastWordsMs;
    while (this.hub.busy && Date.now() < until) await pause(1);
  }

  private state(event: 'heartbeat' | 'draining') {
    return {
      event,
      time: new Date().toISOString(),
      connections: this.server.connections.size,
      unready: this.lifecycle.unreadyReasons,
    };
  }
}
