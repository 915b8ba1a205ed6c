import { resolve } from 'node:path';
import { StartupError } from '../startup-error.js';
import { isLoopback } from './loopback.js';
import { type SettingName, type Settings, settings } from './schema.js';
import { wrongPaths } from './setting-paths.js';
import { readSettingsFile, type SettingsFile } from './settings-file.js';

/** Where a value came from. `embedded`: this process started the server that the URL names. */
export type SettingSource = 'environment' | 'file' | 'default' | 'embedded';

export interface SettingListing {
  readonly name: SettingName;
  /** As text, secrets replaced by `***`; `null` when unset. */
  readonly value: string | null;
  readonly source: SettingSource;
  readonly description: string;
}

type Raw = Readonly<Record<string, string | undefined>>;

const names = Object.keys(settings) as SettingName[];
/** Settings that are secrets as a whole. */
const secretNames = /_(?:TOKEN|SECRET|PASSWORD)$/;
/** Incoming webhooks carry their secret in the path. */
const secretPaths = /^ALERT_\w+_URL$/;

/** The settings of this process: read once, valid as a whole, immutable. */
export class Config {
  private constructor(
    private readonly values: Settings,
    private readonly sources: Readonly<Record<SettingName, SettingSource>>,
    /** Names in the environment that look like a setting misspelt; the environment is not ours alone. */
    readonly warnings: readonly string[],
  ) {}

  /**
   * Validates everything at once.
   * @param env environment variables; they win over the file
   * @param file names and values of a `--config` file
   * @param check what else is to be wrong with the values that are right by themselves
   * @throws StartupError naming every wrong setting
   */
  static from(
    env: Raw,
    file: Raw = {},
    check: (values: Readonly<Record<string, unknown>>) => readonly string[] = () => [],
  ): Config {
    const wrong: string[] = [];
    for (const name of Object.keys(file)) {
      if (!(name in settings)) wrong.push(`${name} is not a setting${suggestion(name)}`);
    }
    for (const name of Object.keys(env)) {
      if (name.startsWith('TIDEWATCH_')) wrong.push(`${name} is not a setting${suggestion(name.slice(10))}`);
    }
    const values: Record<string, unknown> = {};
    const sources = {} as Record<SettingName, SettingSource>;
    for (const name of names) {
      // An empty variable is one that is not set: that is how shells and compose files switch a value off.
      const fromEnv = env[name] || undefined;
      const fromFile = file[name] || undefined;
      sources[name] = fromEnv !== undefined ? 'environment' : fromFile !== undefined ? 'file' : 'default';
      const parsed = settings[name].safeParse(fromEnv ?? fromFile);
      if (parsed.success) values[name] = parsed.data;
      else wrong.push(`${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
    }
    wrong.push(...crossFieldRules(values as Partial<Settings>), ...check(values));
    if (wrong.length > 0) {
      throw new StartupError(`wrong ${wrong.length === 1 ? 'setting' : 'settings'}: ${wrong.join(' | ')}`);
    }
    values.DATA_DIR = resolve(values.DATA_DIR as string);
    values.DEMO ??= values.DATABASE_URL === undefined ? 'on' : 'off';
    return new Config(values as Settings, sources, misspelt(env));
  }

  /** The settings of this process: its environment, and a `--config` file. @throws StartupError */
  static ofProcess(file?: string): Config {
    const { values, faults }: SettingsFile =
      file === undefined ? { values: {}, faults: [] } : readSettingsFile(file);
    return Config.from(process.env, values, (parsed) => [...faults, ...wrongPaths(parsed)]);
  }

  get<K extends SettingName>(name: K): Settings[K] {
    return this.values[name];
  }

  source(name: SettingName): SettingSource {
    return this.sources[name];
  }

  /** A copy in which URLs point to servers that this process has started itself. */
  withEmbedded(urls: Partial<Pick<Settings, 'DATABASE_URL' | 'REDIS_URL'>>): Config {
    const sources = { ...this.sources };
    for (const name of Object.keys(urls) as (keyof typeof urls)[]) sources[name] = 'embedded';
    return new Config({ ...this.values, ...urls }, sources, this.warnings);
  }

  /** Every setting, for `tidewatch config`. */
  list(): SettingListing[] {
    return names.map((name) => ({
      name,
      value: shown(name, this.values[name]),
      source: this.sources[name],
      description: settings[name].description ?? '',
    }));
  }
}

function crossFieldRules(values: Partial<Settings>): string[] {
  if (values.HOST !== undefined && values.API_KEYS === undefined && !isLoopback(values.HOST)) {
    return [
      `HOST: ${values.HOST} is not a loopback address; a server without API keys listens on loopback only (127.0.0.1, ::1, localhost)`,
    ];
  }
  return [];
}

function shown(name: SettingName, value: string | number | undefined): string | null {
  if (value === undefined) return null;
  if (secretNames.test(name)) return '***';
  return secretPaths.test(name) ? `${new URL(String(value)).origin}/***` : redacted(value);
}

function redacted(value: string | number | undefined): string | null {
  if (value === undefined) return null;
  const text = String(value);
  // Credentials in URLs, in the authority and in the query.
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):[^@/?#]*@/i, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***');
}

/** Short names such as HOST are near to too much that is meant for others. */
const shortestWatched = 8;

function misspelt(env: Raw): string[] {
  return Object.keys(env).flatMap((name) => {
    if (name in settings || name.length < shortestWatched - 1) return [];
    const near = names.find((known) => known.length >= shortestWatched && distance(known, name) <= 2);
    return near === undefined ? [] : [`${name} in the environment is not a setting; did you mean ${near}?`];
  });
}

function suggestion(name: string): string {
  const wanted = name.toUpperCase();
  const near = names.find((known) => known === wanted || distance(known, wanted) <= 2);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Levenshtein distance, for names of a few dozen characters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
