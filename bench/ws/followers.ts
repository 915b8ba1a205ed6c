// Clients that resume: `node followers.js COUNT PORT[,PORT…]`. Each follows custom.t with policy all, checks that no
// offset is missing or doubled, and comes back with its position when its connection is lost. Commands on stdin: `cut`
// drops every connection at once; `report` prints one line of JSON; `quit` ends it.
import { createInterface } from 'node:readline';
import { PlainClient } from './plain-client.js';

const [count = 0, ports = ''] = [Number(process.argv[2]), process.argv[3]];
const targets = ports.split(',').map(Number);
const topic = 'custom.t';
/** What a message of the topic begins with, up to its offset. */
const prefix = Buffer.from(`{"type":"message","topic":"${topic}","offset":`);
const maxConnecting = 1_024;

let connecting = 0;
let following = 0;
let cutMs = 0;
let backMs = 0;
const waiting: Follower[] = [];
const tally = { missing: 0, doubled: 0, unrecovered: 0, received: 0 };

/** Handshakes that may begin; the rest wait in line. */
function connectWaiting(): void {
  while (connecting < maxConnecting) {
    const next = waiting.shift();
    if (next === undefined) return;
    connecting++;
    next.connect();
  }
}

class Follower {
  offset = 0;
  private epoch = '';
  private isFollowing = false;
  private client: PlainClient | null = null;

  constructor(private target: number) {}

  connect(): void {
    const client = new PlainClient(targets[this.target]!, '/ws/stream', {
      opened: () => {
        connecting--;
        const since = this.epoch === '' ? {} : { since: { epoch: this.epoch, offset: this.offset } };
        client.send(JSON.stringify({ type: 'subscribe', id: 1, topic, snapshot: false, ...since }));
        connectWaiting();
      },
      text: (bytes, from, to) => this.take(bytes, from, to),
      closed: (wasOpen) => this.comeBack(wasOpen),
    });
    this.client = client;
  }

  cut(): void {
    this.client?.socket.destroy();
  }

  private comeBack(wasOpen: boolean): void {
    if (!wasOpen) connecting--;
    if (this.isFollowing) following--;
    this.isFollowing = false;
    this.target = (this.target + 1) % targets.length;
    setTimeout(
      () => {
        waiting.push(this);
        connectWaiting();
      },
      wasOpen ? 0 : 50,
    );
  }

  private take(bytes: Buffer, from: number, to: number): void {
    if (bytes.compare(prefix, 0, prefix.length, from, from + prefix.length) !== 0) {
      this.answer(bytes.toString('utf8', from, to));
      return;
    }
    tally.received++;
    let offset = 0;
    for (let i = from + prefix.length; bytes[i]! >= 0x30 && bytes[i]! <= 0x39; i++) {
      offset = offset * 10 + bytes[i]! - 0x30;
    }
    if (offset <= this.offset) tally.doubled++;
    else {
      tally.missing += offset - this.offset - 1;
      this.offset = offset;
    }
  }

  private answer(text: string): void {
    const message = JSON.parse(text) as { type: string; epoch: string; offset: number; recovered: boolean };
    if (message.type !== 'subscribed') return;
    if (this.epoch !== '' && !message.recovered) tally.unrecovered++;
    if (this.epoch === '' || !message.recovered) this.offset = message.offset;
    this.epoch = message.epoch;
    this.isFollowing = true;
    following++;
    if (cutMs > 0 && backMs === 0 && following === count) backMs = performance.now() - cutMs;
  }
}

const followers = Array.from({ length: count }, (_, i) => new Follower(i % targets.length));
waiting.push(...followers);
connectWaiting();

const report = (): void => {
  const offsets = followers.map((f) => f.offset);
  console.log(
    JSON.stringify({
      following,
      ...tally,
      lowest: Math.min(...offsets),
      highest: Math.max(...offsets),
      back_ms: Math.round(backMs),
    }),
  );
};

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'report') report();
  else if (line === 'cut') {
    cutMs = performance.now();
    backMs = 0;
    for (const follower of followers) follower.cut();
  } else if (line === 'quit') process.exit(0);
});
