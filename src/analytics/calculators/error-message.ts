const longest = 200;

/** What was thrown, in one short line: plugins throw anything, and errors of threads are of another realm's class. */
export function errorMessage(error: unknown): string {
  try {
    const { message, name } = (error ?? {}) as { message?: unknown; name?: unknown };
    const said = String(typeof message === 'string' ? message || name : error);
    const line = said.replace(/\s+/g, ' ').trim();
    return line.length > longest ? `${line.slice(0, longest)}…` : line;
  } catch {
    return 'an error that cannot be read';
  }
}
