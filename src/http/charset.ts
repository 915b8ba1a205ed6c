import { Problem } from '../domain/problem.js';

/** @throws Problem 415 for a `Content-Type` that names another character set than UTF-8 */
export function requireUtf8(contentType: string | undefined): void {
  for (const parameter of (contentType ?? '').toLowerCase().split(';').slice(1)) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(parameter)?.[1];
    if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
      throw new Problem(415, 'UNSUPPORTED_CHARSET', 'Send the body as UTF-8.');
    }
  }
}
