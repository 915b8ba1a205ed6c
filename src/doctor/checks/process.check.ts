import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { DoctorCheck, Finding } from '../doctor.js';

const gib = 2 ** 30;

/** Node, memory and the number of files (sockets) that a process may open. */
export const check: DoctorCheck = {
  name: 'process',
  run: async ({ config }) => {
    const findings: Finding[] = [];
    const major = Number(process.versions.node.split('.')[0]);
    findings.push(
      major >= 26
        ? { status: 'ok', message: `Node ${process.versions.node}, ${availableParallelism()} processors` }
        : {
            status: 'error',
            message: `Node ${process.versions.node} is too old`,
            fix: 'run it by npm start or npx tidewatch',
          },
    );
    const memory = (process.constrainedMemory() || totalmem()) / gib;
    const usable = Math.min(memory, totalmem() / gib);
    if (usable < 1)
      findings.push({ status: 'warning', message: `${usable.toFixed(1)} GiB of memory: 1 GiB is the least` });
    const files = openFilesLimit();
    const wanted = config.get('WS_MAX_CONNECTIONS') + 256;
    if (files !== null && files < wanted) {
      findings.push({
        status: 'warning',
        message: `${files} files may be open, WS_MAX_CONNECTIONS=${config.get('WS_MAX_CONNECTIONS')} needs ${wanted}`,
        fix: `ulimit -n ${wanted}, or lower WS_MAX_CONNECTIONS`,
      });
    }
    return findings;
  },
};

/** Soft limit of this process; `null` where it is unlimited or cannot be read. */
function openFilesLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null; // no procfs
  }
}
