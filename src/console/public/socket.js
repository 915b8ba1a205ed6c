// One connection to /ws/stream: subscribes, backs off with jitter, resumes where it was. Knows nothing of the page.

const firstDelayMs = 500;
const maxDelayMs = 15_000;

/**
 * @param {string[]} topics a trailing * subscribes to a family
 * @param {{ onState: (state: 'connecting' | 'live' | 'waiting') => void, onMessage: (topic: string, data: unknown, ts: number) => void }} on
 */
export function connect(topics, on) {
  /** Where each topic stands, so that a reconnect asks only for what was missed. */
  const positions = new Map();
  let delayMs = firstDelayMs;

  const open = () => {
    on.onState('connecting');
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}/ws/stream`);
    let reconnectAfterMs = 0;

    socket.onopen = () => {
      topics.forEach((topic, index) => {
        const message = { type: 'subscribe', id: index + 1, topic, policy: 'conflate', every_ms: 250 };
        const since = positions.get(topic);
        if (since) message.since = since;
        socket.send(JSON.stringify(message));
      });
    };
    socket.onmessage = ({ data: text }) => {
      const message = JSON.parse(text);
      if (message.type === 'subscribed') {
        delayMs = firstDelayMs;
        on.onState('live');
        // A family answers with one snapshot per topic, a single topic with its own.
        const snapshot = message.snapshot;
        if (snapshot && message.topic.endsWith('*')) {
          for (const [topic, data] of Object.entries(snapshot)) on.onMessage(topic, data, Date.now());
        } else if (snapshot) on.onMessage(message.topic, snapshot, Date.now());
        if (message.epoch !== undefined) {
          positions.set(message.topic, { epoch: message.epoch, offset: message.offset });
        }
      } else if (message.type === 'message') {
        const known = positions.get(message.topic);
        if (known) known.offset = message.offset;
        on.onMessage(message.topic, message.data, message.ts);
      } else if (message.type === 'reconnect') reconnectAfterMs = message.reconnect_after_ms ?? 0;
    };
    socket.onclose = () => {
      on.onState('waiting');
      // Full jitter: a thousand consoles must not come back in the same second.
      const wait = reconnectAfterMs || delayMs * (0.5 + Math.random() / 2);
      delayMs = Math.min(maxDelayMs, delayMs * 2);
      setTimeout(open, wait);
    };
  };
  open();
}
