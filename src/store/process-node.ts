import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Names this process in what it stores; a process id alone comes back after a restart, in a container every time. */
export const processNode = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
