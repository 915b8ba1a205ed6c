/** The key of an `Authorization: Bearer …` header; `null` without one. */
export const bearerToken = (authorization: string | undefined): string | null =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
