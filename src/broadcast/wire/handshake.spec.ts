import { describe, expect, it } from '@jest/globals';
import { acceptResponse, negotiateDeflate, readHandshake } from './handshake.js';

const good = {
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

describe('readHandshake', () => {
  it('accepts the example of the RFC', () => {
    const handshake = readHandshake('GET', good, false);
    expect(handshake).toMatchObject({ protocol: null, token: null, extension: null });
    if ('status' in handshake) throw new Error('refused');
    expect(acceptResponse(handshake)).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
  });

  it('refuses what is not a handshake, and names the version it speaks', () => {
    expect(readHandshake('POST', good, false)).toMatchObject({ status: 405 });
    expect(readHandshake('GET', { ...good, upgrade: 'h2c' }, false)).toMatchObject({ status: 400 });
    expect(readHandshake('GET', { ...good, 'sec-websocket-key': 'short' }, false)).toMatchObject({
      status: 400,
    });
    expect(readHandshake('GET', { ...good, 'sec-websocket-version': '8' }, false)).toMatchObject({
      status: 426,
      headers: { 'Sec-WebSocket-Version': '13' },
    });
  });

  it('takes the key from the protocol list without echoing it beside our own name', () => {
    expect(
      readHandshake('GET', { ...good, 'sec-websocket-protocol': 'tidewatch, bearer.s3cret' }, false),
    ).toMatchObject({ protocol: 'tidewatch', token: 's3cret' });
    expect(readHandshake('GET', { ...good, authorization: 'Bearer abc' }, false)).toMatchObject({
      token: 'abc',
    });
    expect(
      readHandshake('GET', { ...good, 'sec-websocket-protocol': 'x\r\nSet-Cookie: a' }, false),
    ).toMatchObject({ protocol: null });
  });
});

describe('negotiateDeflate', () => {
  const plain = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
  it.each([
    ['permessage-deflate', plain],
    ['permessage-deflate; client_max_window_bits', plain],
    ['x-webkit-deflate-frame, permessage-deflate', plain],
    ['permessage-deflate; server_max_window_bits=15', `${plain}; server_max_window_bits=13`],
    ['permessage-deflate; server_max_window_bits=9', null],
    ['permessage-deflate; server_max_window_bits=9, permessage-deflate', plain],
    ['permessage-deflate; mystery=1', null],
    ['permessage-deflate; client_max_window_bits=99', null],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', null],
    ['deflate', null],
  ])('%s → %s', (offer, answer) => {
    expect(negotiateDeflate(offer)).toBe(answer);
  });
});
