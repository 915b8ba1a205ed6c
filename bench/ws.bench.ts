import { parseArgs } from 'node:util';
import { cleanUp, prepare, type Tools } from './ws/machine.js';
import { Measurements } from './ws/measurements.js';
import { resilience } from './ws/resilience.js';

const usage = `npm run bench -- ws [options]
  --what LIST    fan,burst,ping,mixed,idle,frozen,storm,nodes (default: all)
  --subs LIST    subscribers of "fan" (default 1000,10000)
  --window S     seconds of each measurement (default 3)
  --rounds N     turns of server and C floor from which a ratio is taken (default 12)
The server runs on the first core, the client on the second. Figures are CPU of the server per delivered message as a
ratio to a C server that does nothing else, measured before, after and in turns: only ratios taken together mean
anything. Servers of other projects are looked for in node_modules and NODE_PATH.`;

const everything = ['fan', 'burst', 'ping', 'mixed', 'idle', 'frozen', 'storm', 'nodes'];

/** The broadcast stage against the C floor, ws, Socket.IO and nchan. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      what: { type: 'string', default: everything.join() },
      subs: { type: 'string', default: '1000,10000' },
      window: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '12' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const what = new Set(values.what.split(','));
  const unknown = [...what].find((name) => !everything.includes(name));
  if (unknown !== undefined) throw new Error(`no measurement "${unknown}"\n${usage}`);
  const tools = prepare();
  try {
    printTools(tools);
    const measure = new Measurements(tools, Number(values.window), Number(values.rounds));
    if (what.has('fan')) for (const subs of values.subs.split(',')) await measure.fanOut(Number(subs));
    if (what.has('burst')) for (const size of [100, 10]) await measure.bursts(size);
    if (what.has('ping')) await measure.pings();
    if (what.has('mixed')) await measure.pingsDuringFanOut();
    if (what.has('idle')) await measure.idle();
    if (what.has('frozen')) await measure.frozen();
    await resilience(tools, what);
  } finally {
    cleanUp(tools);
  }
}

function printTools(tools: Tools): void {
  const lack = [
    tools.wsload === null ? 'C load client (the one in Node is used: compare, do not quote)' : '',
    tools.floor === null ? 'C floor (ratios are to ws)' : '',
    tools.pins ? '' : 'taskset or a second core (server and client disturb each other)',
  ].filter(Boolean);
  if (lack.length > 0) console.log(`missing here: ${lack.join('; ')}\n`);
}
