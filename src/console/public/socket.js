// One connection to /ws/stream: subscribes, backs off with jitter, resumes where it was. Knows nothing of the page.

const firstDelayMs = 500;
const maxDelayMs = 15_000;
/** No valid key in time, expired, revoked: without another key it would be closed again. */
const keyRefused = new Set([3000, 4001, 4002]);

/**
 * @param {string[]} topics a trailing * subscribes to a family
 * @param {{ key: () => string | null, newKey: () => Promise<void>, onState: (state: 'connecting' | 'live' | 'waiting') => void, onMessage: (topic: string, data: unknown, ts: number) => void }} on
 */
export function connect(topics, on) {
  /** Where each topic stands, so that a reconnect asks only for what was missed. */
  const positions = new Map();
  let delayMs = firstDelayMs;

  const positionsOf = (topic) => {
    if (!topic.endsWith('*')) return positions.get(topic);
    const prefix = topic.slice(0, -1);
    const known = [...positions].filter(([name]) => name.startsWith(prefix));
    return known.length > 0 ? Object.fromEntries(known) : undefined;
  };

  const open = () => {
    on.onState('connecting');
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}/ws/stream`);

    socket.onopen = () => {
      const key = on.key();
      if (key !== null) socket.send(JSON.stringify({ type: 'auth', token: key }));
      topics.forEach((topic, index) => {
        const message = { type: 'subscribe', id: index + 1, topic, policy: 'conflate', every_ms: 250 };
        const since = positionsOf(topic);
        if (since) message.since = since;
        socket.send(JSON.stringify(message));
      });
    };
    socket.onmessage = ({ data: text }) => {
      const message = JSON.parse(text);
      if (message.type === 'subscribed') {
        delayMs = firstDelayMs;
        on.onState('live');
        // A family answers with the state and snapshot of each of its topics, a single topic with its own.
        const states = message.topics ?? [{ ...message, snapshot: message.snapshot }];
        for (const { topic, epoch, offset } of states) {
          positions.set(topic, { epoch, offset });
          const snapshot = message.topics ? message.snapshot?.[topic] : message.snapshot;
          if (snapshot) on.onMessage(topic, snapshot, Date.now());
        }
      } else if (message.type === 'message') {
        const known = positions.get(message.topic);
        if (known) known.offset = message.offset;
        on.onMessage(message.topic, message.data, message.ts);
      } else if (message.type === 'position')
        positions.set(message.topic, { epoch: message.epoch, offset: message.offset });
    };
    socket.onclose = ({ code, reason }) => {
      on.onState('waiting');
      if (keyRefused.has(code)) {
        on.newKey().then(open);
        return;
      }
      const askedMs = code === 1012 ? askedDelay(reason) : 0;
      // Full jitter: a thousand consoles must not come back in the same second.
      const wait = askedMs || delayMs * (0.5 + Math.random() / 2);
      delayMs = Math.min(maxDelayMs, delayMs * 2);
      setTimeout(open, wait);
    };
  };
  open();
}

/** On a restart the server spreads its clients: it says when to come back. */
function askedDelay(reason) {
  try {
    return JSON.parse(reason).reconnect_after_ms ?? 0;
  } catch {
    return 0;
  }
}
