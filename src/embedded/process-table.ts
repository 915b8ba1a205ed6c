import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../startup-error.js';

/** Does a process with this id exist (of whatever user)? A dead one that nobody has reaped yet does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return state(pid) !== 'Z';
}

/** When the process started, in clock ticks since boot; tells two processes apart that had the same id. Linux only. */
export function startTicks(pid: number): string | null {
  return statFields(pid)?.[19] ?? null;
}

/** Ids of the processes of `program` whose working folder is `folder`. Linux only; elsewhere empty. */
export function processesIn(folder: string, program: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return []; // no procfs on this system
  }
  return entries
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder && commandName(pid).includes(program);
      } catch {
        return false; // ended meanwhile, or another user's
      }
    });
}

/** Signals the processes in turn, each signal followed by its grace period, until all have ended. */
export async function stopProcesses(
  pids: readonly number[],
  escalation: ReadonlyArray<{ signal: NodeJS.Signals; graceMs: number }>,
): Promise<boolean> {
  let left = pids.filter(isAlive);
  for (const { signal, graceMs } of escalation) {
    for (const pid of left) sendSignal(pid, signal);
    for (const end = Date.now() + graceMs; left.length > 0 && Date.now() < end; ) {
      await sleep(10);
      left = left.filter(isAlive);
    }
    if (left.length === 0) return true;
  }
  return left.length === 0;
}

/** Signals a process; one that has just ended is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

function commandName(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
}

function state(pid: number): string | null {
  return statFields(pid)?.[0] ?? null;
}

/** Fields of /proc/PID/stat after the command name, which may itself contain spaces and parentheses. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
