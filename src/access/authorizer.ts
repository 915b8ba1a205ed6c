import { type Principal, scopes } from './principal.js';

/** Told of keys that were valid and are not any more: removed or changed, or past their end. */
export type RevocationListener = (principalIds: ReadonlySet<string>, why: 'revoked' | 'expired') => void;

/** Turns a presented key into a {@link Principal}. For HTTP and WebSocket alike. */
export abstract class Authorizer {
  /** True when no keys are configured: everybody on loopback may do everything, without a token. */
  abstract readonly isOpen: boolean;

  /** @param token as presented, without its `Bearer`; `null` when none was */
  abstract authenticate(token: string | null): Principal | undefined;

  /** @returns a function that removes the listener */
  abstract onRevoked(listener: RevocationListener): () => void;
}

const everybody: Principal = {
  id: 'loopback',
  scopes: new Set(scopes),
  portfolios: null,
  expiresAtMs: null,
};

/** No keys configured. The server refuses to listen anywhere but on loopback then. */
export class OpenAuthorizer extends Authorizer {
  readonly isOpen = true;

  override authenticate(): Principal {
    return everybody;
  }

  override onRevoked(): () => void {
    return () => {};
  }
}
