import { isIP } from 'node:net';

/** Is this address or host name one that only this machine can reach? Names other than `localhost` are not looked up. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const family = isIP(name);
  if (family === 4) return name.startsWith('127.');
  if (family === 6) return /^(0{0,4}:){1,7}0{0,3}1$/.test(name) || /^::ffff:127\./.test(name);
  return false;
}
