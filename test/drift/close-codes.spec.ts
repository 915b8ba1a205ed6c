import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CloseAdvice, closeCode } from '../../src/broadcast/protocol/close-codes.js';
import { TidewatchClient, type WebSocketLike } from '../../src/client/index.js';

/** A connection that the far end closes. */
class ClosedSocket implements WebSocketLike {
  static last: ClosedSocket;
  readonly readyState = 0;
  onopen = null;
  onmessage = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror = null;
  constructor() {
    ClosedSocket.last = this;
  }
  send(): void {}
  close(): void {}
}

/** Rows of the table under "Close codes": the codes, and whether to come back. */
const documented = new Map(
  readFileSync(resolve(import.meta.dirname, '../../docs/broadcast.md'), 'utf8')
    .split('## Close codes')[1]!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .flatMap((line) => {
      const [, codes = '', , back = ''] = line.split('|').map((cell) => cell.trim());
      const answers = back.split('; ');
      return codes.split(', ').map((code, i): [number, string] => [Number(code), answers[i] ?? answers[0]!]);
    }),
);

const wording: Record<CloseAdvice, RegExp> = {
  resume: /^yes/,
  reauthenticate: /^with a (fresh )?key/,
  stop: /^(no|–)$/,
};

describe('close codes', () => {
  let client: TidewatchClient | undefined;
  afterEach(() => client?.close());

  const after = async (code: number, token: string | (() => string)) => {
    client = new TidewatchClient({ url: 'http://127.0.0.1:1', WebSocket: ClosedSocket, token });
    await new Promise(setImmediate);
    ClosedSocket.last.onclose?.({ code, reason: '' });
    const { state } = client;
    client.close();
    return state;
  };

  it.each(Object.values(closeCode))(
    '$code means the same to the server, the SDK and the document',
    async ({ code, advice }) => {
      expect(documented.get(code)).toMatch(wording[advice]);
      expect(await after(code, () => 'fresh')).toBe(advice === 'stop' ? 'closed' : 'waiting');
      // Without a way to get another key there is no use in coming back with the same.
      expect(await after(code, 'the same')).toBe(advice === 'resume' ? 'waiting' : 'closed');
    },
  );

  it('are all documented, and no others', () => {
    const known = Object.values(closeCode).map(({ code }) => code);
    expect([...documented.keys()].sort()).toEqual(known.sort());
  });
});
