import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'tidewatch-tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Looks for the programs in one folder only: nothing there can install what is missing. */
function look(programs: readonly string[]) {
  const path = mkdtempSync(join(folder, 'path-'));
  for (const name of programs) writeFileSync(join(path, name), '', { mode: 0o755 });
  const module = pathToFileURL(join(process.cwd(), 'scripts', 'tools.mjs')).href;
  const script = `const { ensureTools } = await import('${module}'); await ensureTools(['redis', 'promtool', 'chromium']);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { PATH: path },
    encoding: 'utf8',
  });
  return { status, lines: stderr.trim().split('\n') };
}

describe('the programs that the tests need', () => {
  it('are found under any of their names', () => {
    const found = look(['valkey-server', 'promtool', 'google-chrome']);
    expect(found).toEqual({ status: 0, lines: [''] });
  });

  it('are named in one line, with what to install, where they cannot be installed', () => {
    const { status, lines } = look(['redis-server']);
    expect([status, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toMatch(
      /^tidewatch: the tests need promtool, chromium or .*apt-get install prometheus chromium$/,
    );
  });
});
