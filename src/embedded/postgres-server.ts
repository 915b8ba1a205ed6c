import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { childEnvironment } from '../config/environment.js';
import { errorCode, explainFileError, StartupError } from '../startup-error.js';
import { chooseDatabaseUser, type DatabaseUser, giveTo } from './database-user.js';
import { freePort } from './free-port.js';
import { withLogFile } from './log-file.js';
import { database, ensurePassword, superuser, urlOf } from './postgres-address.js';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.js';
import { isAlive, processesIn, sendSignal, stopProcesses } from './process-table.js';

/** A new cluster takes 40 MB, its first log segments as much again. */
const initialBytes = 128 * 1024 * 1024;
/** Crash recovery of a large cluster may take this long. */
const startTimeoutMs = 60_000;
const maxRestartsPerMinute = 5;

export interface PostgresOptions {
  /** Installation folder; the cluster is `postgres/` in it, the password `secrets/`, the log `logs/`. */
  readonly dataDir: string;
  readonly maxConnections?: number;
  /** Further server settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told what takes long, and what happened to the server. */
  readonly onProgress?: (message: string) => void;
  readonly onEvent?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** SIGINT is PostgreSQL's fast shutdown; SIGQUIT gives up at once and recovers from the log at the next start. */
const stopEscalation = [
  { signal: 'SIGINT', graceMs: 4_000 },
  { signal: 'SIGQUIT', graceMs: 1_000 },
  { signal: 'SIGKILL', graceMs: 1_000 },
] as const;

/**
 * A PostgreSQL of our own, from the binaries that npm installs: initialised on first use, started as a child in its own
 * process group (Ctrl-C reaches only us, and we stop it last), restarted when it dies. A server that a killed
 * predecessor left behind is stopped first; what was committed is in its log and there again after the start.
 */
export class PostgresServer {
  readonly url: string;
  private readonly cluster: string;
  /** The cluster under another name until complete, so that an interrupted first start leaves nothing that looks like one. */
  private readonly draft: string;
  private readonly options: PostgresOptions;
  private readonly binaries: PostgresBinaries;
  private readonly user: DatabaseUser;
  private readonly port: number;
  private child: ChildProcess | null = null;
  /** initdb, while it runs. */
  private tool: ChildProcess | null = null;
  private stopping = false;
  private restarts: number[] = [];

  private constructor(
    options: PostgresOptions,
    binaries: PostgresBinaries,
    user: DatabaseUser,
    port: number,
  ) {
    this.options = options;
    this.binaries = binaries;
    this.user = user;
    this.port = port;
    this.cluster = join(options.dataDir, 'postgres');
    this.draft = `${this.cluster}.new`;
    this.url = urlOf(ensurePassword(options.dataDir), port);
  }

  /**
   * Chooses binaries, user and port; nothing runs yet.
   * @throws StartupError with one line that says what to do
   */
  static async prepare(options: PostgresOptions): Promise<PostgresServer> {
    const binaries = findPostgres();
    const user = chooseDatabaseUser([binaries.postgres, join(options.dataDir, 'postgres')]);
    return new PostgresServer(options, binaries, user, await freePort());
  }

  /** @throws StartupError with one line that says what to do; {@link stop} may be called all the while */
  async start(): Promise<void> {
    await this.stopLeftovers();
    await this.initialise();
    await this.launch();
    await this.ensureDatabase();
  }

  /** Fast shutdown, then less patient ones. Never rejects. */
  async stop(): Promise<void> {
    this.stopping = true;
    // A start that has been interrupted is in initdb, or about to spawn something that the flag prevents.
    const pids = [this.child?.pid, this.tool?.pid].filter((pid) => pid !== undefined);
    if (!(await stopProcesses(pids, stopEscalation))) this.event('error', 'PostgreSQL could not be stopped');
    if (this.tool !== null) await this.stopLeftovers();
  }

  private async initialise(): Promise<void> {
    if (existsSync(join(this.cluster, 'PG_VERSION'))) {
      const found = readFileSync(join(this.cluster, 'PG_VERSION'), 'utf8').trim();
      const ours = await this.majorVersion();
      if (found === ours) {
        giveTo(this.user, this.cluster); // an earlier start may have used another user
        return;
      }
      throw new StartupError(
        `${this.cluster} was made by PostgreSQL ${found}, this is ${ours}: move it away, or set DATABASE_URL`,
      );
    }
    this.options.onProgress?.('creating the database');
    requireFreeSpace(this.options.dataDir);
    const { draft } = this;
    const passwordFile = join(this.options.dataDir, `.pw-${process.pid}`);
    try {
      rmSync(draft, { recursive: true, force: true });
      mkdirSync(draft, { mode: 0o700 });
      giveTo(this.user, draft);
      writeFileSync(passwordFile, ensurePassword(this.options.dataDir), { mode: 0o600 });
      giveTo(this.user, passwordFile);
      const args = ['-D', draft, '-U', superuser, '--pwfile', passwordFile, '--auth=scram-sha-256'];
      await this.run(this.binaries.initdb, [
        ...args,
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-instructions',
      ]);
      renameSync(draft, this.cluster);
    } catch (error) {
      throw errorCode(error) === undefined ? error : explainFileError(error, this.cluster);
    } finally {
      rmSync(passwordFile, { force: true });
      rmSync(draft, { recursive: true, force: true });
    }
  }

  private async launch(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: String(this.options.maxConnections ?? 100),
      shared_buffers: '128MB',
      max_wal_size: '2GB',
      checkpoint_timeout: '15min',
      checkpoint_completion_target: '0.9',
      shared_preload_libraries: 'pg_stat_statements',
      track_io_timing: 'on',
      jit: 'off',
      timezone: 'UTC',
      log_timezone: 'UTC',
      lc_messages: 'C',
      // Errors of statements reach the client, who logs them with more context.
      log_min_messages: 'log',
      log_checkpoints: 'off',
      ...this.options.settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = withLogFile(join(this.options.dataDir, 'logs', 'postgres.log'), (log) =>
      this.spawn(this.binaries.postgres, ['-D', this.cluster, ...args], {
        cwd: this.cluster,
        detached: true,
        stdio: ['ignore', log, log],
      }),
    );
    this.child = child;
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(new StartupError(`cannot run PostgreSQL: ${error.message}`)));
      child.once('exit', (code, signal) =>
        reject(
          new StartupError(
            `PostgreSQL ended while starting (${signal ?? `code ${code}`})${this.lastLogLine()}`,
          ),
        ),
      );
    });
    failed.catch(() => {}); // also raised after the start, when nobody waits for it any more
    await Promise.race([this.untilReady(child), failed]);
    child.removeAllListeners('exit');
    child.once('exit', (code, signal) => this.onDeath(signal ?? `code ${code}`));
  }

  /** PostgreSQL writes its state into line 8 of the pid file; `pg_ctl -w` waits for the same word. */
  private async untilReady(child: ChildProcess): Promise<void> {
    const begun = Date.now();
    let told = false;
    while (Date.now() - begun < startTimeoutMs) {
      const lines = this.pidFile();
      if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return;
      if (!told && Date.now() - begun > 2_000) {
        told = true;
        this.options.onProgress?.('PostgreSQL recovers from its log');
      }
      await sleep(5);
    }
    throw new StartupError(`PostgreSQL was not ready within ${startTimeoutMs / 1000} s${this.lastLogLine()}`);
  }

  /** The caller holds the folder's lock, so whatever still serves this cluster belongs to a predecessor that was killed. */
  private async stopLeftovers(): Promise<void> {
    const pid = Number(this.pidFile()[0]);
    const left = new Set(
      [this.cluster, this.draft].flatMap((folder) => processesIn(folder, this.binaries.root)),
    );
    // Without procfs the pid file is all we have.
    if (process.platform !== 'linux' && pid > 0 && isAlive(pid)) left.add(pid);
    if (left.size > 0) {
      this.event(
        'warn',
        `stopping a PostgreSQL that an earlier server left behind (${[...left].join(', ')})`,
      );
      const main = [...left].filter((each) => each === pid);
      if (main.length > 0) await stopProcesses(main, stopEscalation);
      await stopProcesses([...left], stopEscalation.slice(1));
    }
    // Its number may belong to another process by now; none of them serves this cluster.
    rmSync(join(this.cluster, 'postmaster.pid'), { force: true });
  }

  private onDeath(how: string): void {
    this.child = null;
    if (this.stopping) return;
    const now = Date.now();
    this.restarts = [...this.restarts.filter((at) => now - at < 60_000), now];
    if (this.restarts.length > maxRestartsPerMinute) {
      this.event('error', `PostgreSQL ended (${how}) and keeps ending; not started again`);
      return;
    }
    this.event('warn', `PostgreSQL ended (${how}); starting it again`);
    sleep(50 * 2 ** this.restarts.length)
      .then(() => this.relaunch())
      .then(
        () => this.event('info', 'PostgreSQL is back'),
        (error: unknown) => {
          this.event('error', error instanceof Error ? error.message : String(error));
          this.onDeath('failed to start');
        },
      );
  }

  private async relaunch(): Promise<void> {
    if (this.stopping) return;
    // Its backends may have outlived it; until they end, a new one does not start.
    await this.stopLeftovers();
    await this.launch();
  }

  private async ensureDatabase(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url.replace(/\/[^/]*$/, '/postgres') });
    try {
      await client.connect();
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) {
        await client.query(`CREATE DATABASE ${database}`);
        await this.addStatistics();
      }
    } catch (error) {
      await this.stop();
      const why = error instanceof Error ? error.message : String(error);
      throw new StartupError(`cannot open the embedded database in ${this.cluster}: ${why}`);
    } finally {
      await client.end().catch(() => {}); // its connection may be what failed
    }
  }

  /** What the collectors read the slowest statements from; the library is loaded at start. */
  private async addStatistics(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    } finally {
      await client.end();
    }
  }

  private async majorVersion(): Promise<string> {
    const text = await this.run(this.binaries.postgres, ['--version']);
    return /(\d+)/.exec(text)?.[1] ?? text;
  }

  /** Runs a tool to its end. @returns what it printed */
  private run(command: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      // Its working folder is how a later start finds it, should this process be killed meanwhile.
      const cwd = existsSync(this.draft) ? this.draft : '/';
      const child = this.spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      this.tool = child;
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output = (output + chunk).slice(-10_000);
        });
      }
      child.once('error', (error) => reject(new StartupError(`cannot run ${command}: ${error.message}`)));
      child.once('close', (code) => {
        this.tool = null;
        if (code === 0) resolve(output);
        else
          reject(
            new StartupError(
              `${basename(command)} failed: ${lastLine(output, /error:|FATAL|PANIC|could not/)}`,
            ),
          );
      });
    });
  }

  private spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    if (this.stopping) throw new StartupError('stopped while starting');
    const { file, args: all, ...identity } = this.user.command(program, args);
    return spawn(file, all, { ...options, ...identity, env: childEnvironment() });
  }

  private pidFile(): string[] {
    try {
      return readFileSync(join(this.cluster, 'postmaster.pid'), 'utf8').split('\n');
    } catch {
      return []; // not written yet
    }
  }

  private lastLogLine(): string {
    try {
      const log = readFileSync(join(this.options.dataDir, 'logs', 'postgres.log'), 'utf8');
      return `: ${lastLine(log, /FATAL|PANIC|ERROR/)}`;
    } catch {
      return '';
    }
  }

  private event(level: 'info' | 'warn' | 'error', message: string): void {
    this.options.onEvent?.(level, message);
  }

  /** Ends the server without any courtesy, as a crash would: for tests of recovery. */
  kill(): void {
    if (this.child?.pid !== undefined) sendSignal(this.child.pid, 'SIGKILL');
  }
}

function lastLine(text: string, wanted = /./): string {
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => wanted.test(line)) ?? lines.at(-1) ?? '').replace(
    /^[\d\-: .]+[A-Z]+ \[\d+\] /,
    '',
  );
}

function requireFreeSpace(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= initialBytes) return;
  const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`;
  throw new StartupError(
    `no space left on the disk for a database: ${folder} has ${megabytes(bavail * bsize)}, ${megabytes(initialBytes)} are needed`,
  );
}
