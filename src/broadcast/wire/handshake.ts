import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The subprotocol of `/ws/stream`; offered beside `bearer.<key>`, so that the key need not be echoed. */
export const subprotocol = 'tidewatch';
const bearerPrefix = 'bearer.';

/** Size of the window that shared frames are deflated with; a client that offers less gets no compression. */
export const deflateWindowBits = 13;

export interface Handshake {
  readonly key: string;
  /** Chosen from what the client offered; `null` when it offered none. */
  readonly protocol: string | null;
  /** The key of `bearer.<key>`, when the client offered one. */
  readonly token: string | null;
  /** `Sec-WebSocket-Extensions` of the answer; `null` without compression. */
  readonly extension: string | null;
}

/** Why an upgrade request is refused: an HTTP status and a stable code. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusal = (status: number, code: string, detail: string, headers?: Refusal['headers']): Refusal => ({
  status,
  code,
  detail,
  ...(headers === undefined ? {} : { headers }),
});

/** Checks an upgrade request against RFC 6455, 4.2.1. */
export function readHandshake(
  method: string | undefined,
  headers: IncomingHttpHeaders,
  compression: boolean,
): Handshake | Refusal {
  if (method !== 'GET') return refusal(405, 'METHOD_NOT_ALLOWED', 'A WebSocket handshake is a GET.');
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return refusal(400, 'BAD_HANDSHAKE', 'The Upgrade header must be "websocket".');
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    return refusal(400, 'BAD_HANDSHAKE', 'Sec-WebSocket-Key must be 16 bytes in base64.');
  }
  if (headers['sec-websocket-version'] !== '13') {
    return refusal(426, 'UPGRADE_REQUIRED', 'Only WebSocket version 13 is spoken here.', {
      'Sec-WebSocket-Version': '13',
    });
  }
  const offered = splitList(headers['sec-websocket-protocol']);
  const bearer = offered.find((name) => name.startsWith(bearerPrefix));
  return {
    key,
    // A browser fails the connection unless one of its offers is chosen.
    protocol: offered.includes(subprotocol) ? subprotocol : (offered[0] ?? null),
    token:
      bearer === undefined ? authorizationToken(headers.authorization) : bearer.slice(bearerPrefix.length),
    extension: compression ? negotiateDeflate(headers['sec-websocket-extensions']) : null,
  };
}

/** The 101 answer, ready to write. */
export function acceptResponse(handshake: Handshake): string {
  const accept = createHash('sha1')
    .update(handshake.key + acceptGuid)
    .digest('base64');
  let out = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
  if (handshake.protocol !== null) out += `Sec-WebSocket-Protocol: ${handshake.protocol}\r\n`;
  if (handshake.extension !== null) out += `Sec-WebSocket-Extensions: ${handshake.extension}\r\n`;
  return `${out}\r\n`;
}

const splitList = (header: string | undefined): string[] =>
  header === undefined
    ? []
    : header
        .split(',')
        .map((part) => part.trim())
        .filter((part) => /^[!#$%&'*+.^_`|~0-9A-Za-z/=-]+$/.test(part));

function authorizationToken(header: string | undefined): string | null {
  const match = header === undefined ? null : /^Bearer +([^\s]+) *$/i.exec(header);
  return match?.[1] ?? null;
}

/**
 * Accepts the first offer of permessage-deflate that can share frames: no context takeover on either side (RFC 7692,
 * 7.1). Returns the extension header of the answer.
 */
export function negotiateDeflate(header: string | undefined): string | null {
  if (header === undefined) return null;
  for (const offer of header.split(',')) {
    const [name, ...parameters] = offer.split(';').map((part) => part.trim());
    if (name !== 'permessage-deflate') continue;
    const answer = deflateAnswer(parameters);
    if (answer !== null) return answer;
  }
  return null;
}

function deflateAnswer(parameters: readonly string[]): string | null {
  const seen = new Set<string>();
  let window = '';
  for (const parameter of parameters) {
    const [name = '', rawValue] = parameter.split('=').map((part) => part.trim());
    const value = rawValue?.replace(/^"(.*)"$/, '$1');
    if (seen.has(name)) return null;
    seen.add(name);
    const bits = value !== undefined && /^(8|9|1[0-5])$/.test(value) ? Number(value) : undefined;
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        if (value !== undefined) return null;
        break;
      case 'server_max_window_bits':
        if (bits === undefined || bits < deflateWindowBits) return null;
        window = `; server_max_window_bits=${deflateWindowBits}`;
        break;
      case 'client_max_window_bits':
        if (value !== undefined && bits === undefined) return null;
        break;
      default:
        return null;
    }
  }
  return `permessage-deflate; server_no_context_takeover; client_no_context_takeover${window}`;
}
