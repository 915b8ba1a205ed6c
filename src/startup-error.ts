/** Something the operator has to change before the server can run; printed as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

const meaning: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'there can be no such folder',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many open files',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'it exists and is not a folder',
};

/** The system error code inside, if there is one. Not by `instanceof`: errors of Node may come from another realm. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed file operation means, in words: `explainFileError(e, '/data')` → `cannot write /data: permission denied`. */
export const explainFileError = (error: unknown, path: string): StartupError => {
  const code = errorCode(error) ?? '';
  const why = meaning[code] ?? (error instanceof Error ? error.message : String(error));
  return new StartupError(`cannot write ${path}: ${why}`);
};

/** One line for any error that stopped the start. */
export const oneLine = (error: unknown): string => {
  if (error instanceof StartupError) return error.message;
  const known = meaning[errorCode(error) ?? ''];
  const text = error instanceof Error ? error.message : String(error);
  const first = text.split('\n').find((line) => line.trim() !== '') ?? 'unknown error';
  return known === undefined || first.includes(known) ? first : `${known} (${first})`;
};
