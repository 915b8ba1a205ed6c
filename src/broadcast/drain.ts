import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connection } from './connection.js';
import { closeCode } from './protocol/close-codes.js';
import { WsServer } from './ws-server.js';

/** How often a group of clients is sent away, ms. */
const stepMs = 20;

/** The reason of a 1012: when to come back. */
const restartReason = (reconnectAfterMs: number): string =>
  JSON.stringify({ reconnect_after_ms: Math.round(reconnectAfterMs) });

/**
 * Sends clients away with 1012, spread over a window: each is told how long to wait, so that they do not come back
 * together either.
 */
@Injectable()
export class Drain {
  private readonly windowMs: number;

  constructor(
    config: Config,
    private readonly server: WsServer,
  ) {
    this.windowMs = config.get('SHUTDOWN_DRAIN_MS');
  }

  /**
   * All clients of this process, for a shutdown. Resolves when each has been told and most have gone.
   * @param spreadFor over how long so many clients should come back elsewhere, ms
   */
  async everyone(spreadFor: (clients: number) => number): Promise<void> {
    const clients = [...this.server.connections.values()].filter((connection) => connection.isOpen);
    await this.sendAway(clients, this.windowMs, Math.max(this.windowMs, spreadFor(clients.length)));
    const until = Date.now() + Math.min(500, this.windowMs);
    while (this.server.connections.size > 0 && Date.now() < until) await pause(stepMs);
  }

  /**
   * @param windowMs over which they are told
   * @param spreadMs over which they come back
   */
  async sendAway(clients: readonly Connection[], windowMs: number, spreadMs: number): Promise<void> {
    const startedMs = Date.now();
    let sent = 0;
    while (sent < clients.length) {
      const share = windowMs === 0 ? 1 : (Date.now() - startedMs + stepMs) / windowMs;
      const until = Math.min(clients.length, Math.ceil(clients.length * share));
      for (; sent < until; sent++) {
        clients[sent]!.close(closeCode.restart, restartReason(Math.random() * spreadMs));
      }
      if (sent < clients.length) await pause(stepMs);
    }
  }
}
