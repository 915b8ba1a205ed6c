/** Where programs are looked for: the PATH of this process. */
export const searchPath = (): string => process.env.PATH ?? '';

/** Environment of the embedded servers: nothing of ours, which may hold secrets; one locale, one time zone. */
export const childEnvironment = (): Record<string, string> => ({
  PATH: searchPath(),
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
});
