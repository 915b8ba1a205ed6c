// What Artillery's own WebSocket engine does not measure: latency histograms. Each function is one bounded visit.

const pings = 20;
const visitMs = 3_000;

const address = (context, path) => `${context.vars.target.replace(/^http/, 'ws')}${path}`;

let seconds = 0;

/** Two ticks of the load portfolio, priced so that its value moves. */
export async function nextTicks(context) {
  const ts = Date.now();
  seconds++;
  context.vars.ticks = [
    { symbol: 'LOADA', ts, price: 100 + Math.sin(seconds / 10), size: 10 },
    { symbol: 'LOADB', ts, price: 50 + Math.cos(seconds / 7), size: 5 },
  ];
}

function open(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
  });
}

/** Round trips at /ws/system/health, one after another: `tidewatch.ws.ping_ms`. */
export async function pingHealth(context, events) {
  const socket = await open(address(context, '/ws/system/health'));
  try {
    for (let i = 0; i < pings; i++) {
      const sent = performance.now();
      const answer = await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no pong within 1 s')), 1_000);
        socket.onmessage = ({ data }) => {
          clearTimeout(timer);
          resolve(JSON.parse(data));
        };
        socket.send(JSON.stringify({ type: 'ping', timestamp: sent }));
      });
      if (answer.type !== 'pong' || answer.timestamp !== sent)
        throw new Error(`not my pong: ${JSON.stringify(answer)}`);
      events.emit('histogram', 'tidewatch.ws.ping_ms', performance.now() - sent);
      events.emit('counter', 'tidewatch.ws.pongs', 1);
    }
  } finally {
    socket.close();
  }
}

/** Follows the load portfolio; age of each publication on arrival (one clock, this machine): `tidewatch.ws.end_to_end_ms`. */
export async function followPortfolio(context, events) {
  const socket = await open(address(context, '/ws/stream'));
  let expected = null;
  let failure = null;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'subscribed') expected = message.offset + 1;
    else if (message.type === 'message') {
      if (message.offset !== expected) failure = new Error(`offset ${message.offset}, expected ${expected}`);
      expected = message.offset + 1;
      events.emit('histogram', 'tidewatch.ws.end_to_end_ms', Math.max(0, Date.now() - message.ts));
      events.emit('counter', 'tidewatch.ws.messages', 1);
    } else if (message.type === 'error') failure = new Error(`${message.code}: ${message.message}`);
  };
  socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic: 'analytics.LOAD_SMOKE', policy: 'all' }));
  await new Promise((resolve) => setTimeout(resolve, visitMs));
  socket.close();
  if (expected === null) throw new Error('never subscribed');
  if (failure) throw failure;
}
