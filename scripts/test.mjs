// `npm test`: everything the tests need, then all of them. The last line is the sum: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';
import { requireNode20 } from './terminal.mjs';
import { ensureTools, testTools } from './tools.mjs';

/** A run that takes longer has hung. */
const limitMs = 10 * 60_000;
const workers = String(Math.max(2, Math.floor(availableParallelism() / 2)));
/** End-to-end tests that judge how busy or how fast a server is: one at a time. */
const alone = 'e2e/(main-job|alerting/)';
const runs = [
  ['--selectProjects', 'unit', 'drift', 'integration', '--maxWorkers', workers],
  ['--selectProjects', 'e2e', '--maxWorkers', workers, '--testPathIgnorePatterns', alone],
  ['--selectProjects', 'e2e', '--maxWorkers', '1', '--testPathPatterns', alone],
];

requireNode20();
await ensureInstalled({ dev: true });
await ensureTools(testTools);
await ensureBuilt();

if (process.env.TIMESCALE_URL === undefined)
  console.log('TIMESCALE_URL names no server: what differs on TimescaleDB is not tested in this run.');

const begun = Date.now();
const reports = mkdtempSync(join(tmpdir(), 'tidewatch-report-'));
const extra = process.argv.slice(2);
const sum = { passed: 0, failed: 0 };
for (const [index, args] of runs.entries()) {
  const report = join(reports, `${index}.json`);
  const code = await jest([...args, '--passWithNoTests', '--json', '--outputFile', report, ...extra]);
  const { passed, failed } = count(report, code);
  sum.passed += passed;
  sum.failed += failed;
}
rmSync(reports, { recursive: true, force: true });
console.log(`\nTests took ${Math.round((Date.now() - begun) / 1000)} s.`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;

function jest(args) {
  return new Promise((resolve) => {
    // The report goes to a file; what Jest would print of it on stdout is not for reading.
    const child = spawn(process.execPath, [join(root, 'scripts', 'jest.mjs'), ...args], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const stop = (signal) => process.kill(-child.pid, signal);
    const timer = setTimeout(
      () => {
        console.error(`The tests did not end within ${limitMs / 60_000} minutes.`);
        stop('SIGKILL');
      },
      limitMs - (Date.now() - begun),
    );
    const onSignal = () => stop('SIGTERM');
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    child.once('exit', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve(code ?? 1);
    });
  });
}

/** A suite that could not run, and a test that was skipped, are failures: nothing goes missing silently. */
function count(report, code) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 }; // Jest ended without a report
  }
  const skipped = result.numPendingTests + result.numTodoTests;
  if (skipped > 0) console.error(`${skipped} tests were skipped: that counts as failed.`);
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + skipped;
  return { passed: result.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}
