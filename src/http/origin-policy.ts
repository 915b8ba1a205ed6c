import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../config/loopback.js';
import { Problem } from '../domain/problem.js';

/**
 * What keeps web pages of the same browser out of an open server on loopback. The `Host` header must name this machine,
 * which a page that rebinds its own DNS name to 127.0.0.1 cannot forge; a request that a browser marks as coming from
 * another origin is refused. Programs outside of browsers send neither `Origin` nor `Sec-Fetch-Site` and pass.
 * For HTTP requests and WebSocket upgrades alike.
 *
 * @param open whether everybody who gets in may do everything; with API keys a server is reached under any name
 * @returns why the request is refused, or `undefined`
 */
export function refuseForeign(headers: IncomingHttpHeaders, open = true): Problem | undefined {
  const { host } = headers;
  if (host === undefined || host === '') {
    return new Problem(400, 'HOST_MISSING', 'The request has no Host header, or an empty one.');
  }
  const hostName = host.replace(/:\d{1,5}$/, '');
  if (open && !isLoopback(hostName)) {
    return new Problem(
      403,
      'HOST_NOT_ALLOWED',
      'The Host header does not name this machine (localhost, 127.0.0.1).',
    );
  }
  const { origin } = headers;
  if (origin !== undefined && originHost(origin) !== host.toLowerCase()) {
    return new Problem(403, 'ORIGIN_NOT_ALLOWED', 'Pages of another origin may not use this server.');
  }
  const site = headers['sec-fetch-site'];
  const followsLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if ((site === 'cross-site' || site === 'same-site') && !followsLink) {
    return new Problem(403, 'ORIGIN_NOT_ALLOWED', 'Pages of another origin may not use this server.');
  }
  return undefined;
}

/** `host[:port]` of an origin; `undefined` for `null` and what is no http origin. */
function originHost(origin: string): string | undefined {
  const match = /^https?:\/\/([^/?#@]+)$/i.exec(origin);
  return match?.[1]?.toLowerCase();
}
