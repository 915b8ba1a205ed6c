// `npm run stack`: Prometheus, Alertmanager and, where installed, Grafana on loopback, configured for a running Tidewatch.
// Everything it writes lies under DATA_DIR/stack; Ctrl-C stops all of it.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    target: { type: 'string', default: '127.0.0.1:8001' },
    'prometheus-port': { type: 'string', default: '9090' },
    'alertmanager-port': { type: 'string', default: '9093' },
    'grafana-port': { type: 'string', default: '3000' },
    interval: { type: 'string', default: '5s' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'npm run stack -- [--target 127.0.0.1:8001] [--prometheus-port 9090] [--alertmanager-port 9093] [--grafana-port 3000] [--interval 5s]',
  );
  process.exit(0);
}

const data = join(resolve(root, process.env.DATA_DIR ?? './.tidewatch'), 'stack');
mkdirSync(data, { recursive: true });

/** First of the names that is on the PATH. */
function find(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // not in this folder: the next one
      }
    }
  }
  return null;
}

const local = (port) => `127.0.0.1:${port}`;
/** `GET /metrics` asks for a token where the server has one. */
const token = process.env.METRICS_TOKEN;
const authorization = token ? { authorization: { credentials: token } } : {};
const prometheusConfig = join(data, 'prometheus.yml');
rmSync(prometheusConfig, { force: true });
writeFileSync(
  prometheusConfig,
  JSON.stringify(
    {
      global: { scrape_interval: values.interval, evaluation_interval: values.interval },
      rule_files: [join(root, 'alerts', 'rules', '*.yml')],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [local(values['alertmanager-port'])] }] }] },
      scrape_configs: [
        { job_name: 'tidewatch', ...authorization, static_configs: [{ targets: [values.target] }] },
      ],
    },
    null,
    2,
  ),
  { mode: 0o600 },
);

function grafanaHome() {
  return ['/usr/share/grafana', '/opt/homebrew/share/grafana', '/usr/local/share/grafana'].find((path) =>
    existsSync(path),
  );
}

function grafanaProvisioning() {
  const folder = join(data, 'grafana', 'provisioning');
  mkdirSync(join(folder, 'datasources'), { recursive: true });
  mkdirSync(join(folder, 'dashboards'), { recursive: true });
  for (const kind of ['datasources', 'dashboards']) {
    const text = readFileSync(join(root, 'dashboards', 'provisioning', kind, 'tidewatch.yml'), 'utf8')
      .replaceAll('http://127.0.0.1:9090', `http://${local(values['prometheus-port'])}`)
      .replaceAll('/var/lib/tidewatch/dashboards', join(root, 'dashboards', 'json'));
    writeFileSync(join(folder, kind, 'tidewatch.yml'), text);
  }
  return folder;
}

const programs = [
  {
    name: 'Prometheus',
    url: `http://${local(values['prometheus-port'])}`,
    bin: find('prometheus'),
    install: 'apt-get install prometheus',
    args: () => [
      `--config.file=${prometheusConfig}`,
      `--storage.tsdb.path=${join(data, 'prometheus')}`,
      '--storage.tsdb.retention.time=7d',
      '--enable-feature=exemplar-storage',
      `--web.listen-address=${local(values['prometheus-port'])}`,
    ],
  },
  {
    name: 'Alertmanager',
    url: `http://${local(values['alertmanager-port'])}`,
    bin: find('alertmanager', 'prometheus-alertmanager'),
    install: 'apt-get install prometheus-alertmanager',
    args: () => [
      `--config.file=${join(root, 'alerts', 'alertmanager.yml')}`,
      `--storage.path=${join(data, 'alertmanager')}`,
      `--web.listen-address=${local(values['alertmanager-port'])}`,
      // One instance: no gossip port is opened.
      '--cluster.listen-address=',
    ],
  },
  {
    name: 'Grafana',
    optional: true,
    url: `http://${local(values['grafana-port'])}`,
    bin: grafanaHome() ? find('grafana-server', 'grafana') : null,
    install: 'see grafana.com; without it the dashboards are in dashboards/json',
    args: (bin) => [
      ...(bin.endsWith('grafana') ? ['server'] : []),
      `--homepath=${grafanaHome()}`,
      `cfg:paths.data=${join(data, 'grafana')}`,
      `cfg:paths.provisioning=${grafanaProvisioning()}`,
      'cfg:server.http_addr=127.0.0.1',
      `cfg:server.http_port=${values['grafana-port']}`,
      'cfg:auth.anonymous.enabled=true',
      'cfg:auth.anonymous.org_role=Viewer',
    ],
  },
];

const missing = programs.filter((program) => !program.bin && !program.optional);
if (missing.length > 0) {
  for (const { name, install } of missing) console.error(`stack: ${name} is not on the PATH (${install})`);
  process.exit(1);
}

const children = [];
let stopping = false;
function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const child of children) child.kill('SIGTERM');
  setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(code);
  }, 5_000).unref();
  process.exitCode = code;
}
// SIGHUP: the terminal was closed. What we started is in groups of its own and would run on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));

for (const program of programs) {
  if (!program.bin) {
    console.log(`${program.name.padEnd(13)} not installed (${program.install})`);
    continue;
  }
  // In a group of its own: Ctrl-C reaches only us, and we stop them.
  const child = spawn(program.bin, program.args(program.bin), {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let lastLines = '';
  child.stderr.on('data', (chunk) => {
    lastLines = (lastLines + chunk).slice(-2_000);
  });
  child.on('error', (error) => {
    console.error(`stack: ${program.name} did not start: ${error.message}`);
    stop(1);
  });
  child.on('exit', (code) => {
    if (stopping) return;
    console.error(
      `stack: ${program.name} ended with ${code}:\n${lastLines.trim().split('\n').slice(-5).join('\n')}`,
    );
    stop(1);
  });
  children.push(child);
  console.log(`${program.name.padEnd(13)} ${program.url}`);
}

try {
  const answer = await fetch(`http://${values.target}/health`);
  console.log(`Tidewatch     http://${values.target} (${answer.status})`);
} catch {
  console.log(`Tidewatch     nothing answers at ${values.target} yet: npm start`);
}
console.log('Ctrl-C stops the stack.');
