// Preloaded into a server (`--import`): the disk below FULL_DISK is full.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const folder = process.env.FULL_DISK;
for (const name of ['writeFileSync', 'writeSync']) {
  const original = fs[name];
  fs[name] = (target, ...rest) => {
    if (typeof target !== 'string' || !target.startsWith(folder)) return original(target, ...rest);
    throw Object.assign(new Error(`ENOSPC: no space left on device, write`), {
      code: 'ENOSPC',
      syscall: 'write',
    });
  };
}
syncBuiltinESMExports();
