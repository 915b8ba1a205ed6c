import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttableProxy {
  readonly port: number;
  /** Breaks every connection at once, without a goodbye. */
  cut(): void;
  /** While away, new connections are refused by being reset. */
  away(isAway: boolean): void;
  /**
   * The server does what it is told and the client never hears of it: the next answer that holds this text is swallowed,
   * and its connection cut. @returns when that has happened
   */
  loseAnswer(holding: string): Promise<void>;
  /** A cable that was pulled: connections stay open, and nothing comes through. */
  silent(isSilent: boolean): void;
  /** Where new connections go. */
  retarget(port: number): void;
  stop(): Promise<void>;
}

/** A TCP relay on loopback between a client and a server: the network that a test can cut. */
export async function cuttableProxy(targetPort: number): Promise<CuttableProxy> {
  const open = new Set<Socket>();
  let target = targetPort;
  let refusing = false;
  let mute = false;
  let toLose: { readonly holding: string; readonly lost: () => void } | undefined;
  const server = createServer((inner) => {
    if (refusing) {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => {
        if (from !== outer || !toLose || !chunk.includes(toLose.holding)) {
          to.write(chunk);
          return;
        }
        outer.destroy();
        inner.resetAndDestroy();
        toLose.lost();
        toLose = undefined;
      });
      from.on('end', () => to.end());
      if (mute) from.pause();
      // A cut line shows up as an error on one side or both: that is what the test is about.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    away(isAway) {
      refusing = isAway;
      if (isAway) cut();
    },
    loseAnswer: (holding) =>
      new Promise((lost) => {
        toLose = { holding, lost };
      }),
    silent(isSilent) {
      mute = isSilent;
      for (const socket of open) isSilent ? socket.pause() : socket.resume();
    },
    retarget(port) {
      target = port;
    },
    async stop() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
