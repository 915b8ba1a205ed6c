/** Parsed JSON, looked into field by field. */
export type Answer = ReturnType<typeof JSON.parse>;

/** Calls of `/api/v1/…` with and for JSON; `body` is `null` where the answer has none. */
export function jsonApi(baseUrl: () => string) {
  return async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> => {
    const response = await fetch(`${baseUrl()}/api/v1/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };
}
