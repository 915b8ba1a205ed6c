// What the bootstrap scripts print: one line per step, rewritten in place on a terminal.

/** Begins a step. @returns a function that ends it with a short result */
export function progress(text) {
  const begun = Date.now();
  const seconds = () => `${Math.round((Date.now() - begun) / 1000)} s`;
  const tty = process.stdout.isTTY;
  const show = () =>
    process.stdout.write(tty ? `\r\u001b[2K  ${text} … ${seconds()}` : `  ${text} … ${seconds()}\n`);
  if (tty) show();
  else process.stdout.write(`  ${text} …\n`);
  // Elsewhere than on a terminal a sign of life now and then is enough.
  const timer = setInterval(show, tty ? 1_000 : 15_000);
  return (result) => {
    clearInterval(timer);
    process.stdout.write(
      `${tty ? '\r\u001b[2K' : ''}  ${text}: ${result === undefined ? '' : `${result}, `}${seconds()}\n`,
    );
  };
}

/** One clear line, exit code 1. */
export function fail(message) {
  process.stderr.write(`tidewatch: ${message}\n`);
  process.exit(1);
}

export function requireNode20() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    fail(`Node ${process.versions.node} is too old: 20 or newer`);
}
