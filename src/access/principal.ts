export const scopes = ['read', 'ingest', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Who is asking, and what they may do. */
export interface Principal {
  /** Name of the key; `loopback` on an open server. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The portfolios it may see; `null`: every one. */
  readonly portfolios: ReadonlySet<string> | null;
  /** Unix ms after which the key is not valid; `null`: no end. */
  readonly expiresAtMs: number | null;
}

/** `admin` may do everything. */
export const mayUse = (principal: Principal, scope: Scope): boolean =>
  principal.scopes.has(scope) || principal.scopes.has('admin');

/** Whether a portfolio is among those that it may see. */
export const maySee = (principal: Principal, portfolioId: string): boolean =>
  principal.portfolios === null || principal.portfolios.has(portfolioId);
