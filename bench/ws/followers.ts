// Clients that resume: `node followers.js COUNT PORT[,PORT…]`. Each follows custom.t with policy all, checks that no
// offset is missing or doubled, and comes back with its position when its connection is lost. Commands on stdin: `cut`
// drops every connection at once; `report` prints one line of JSON; `quit` ends it.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const [count = 0, ports = ''] = [Number(process.argv[2]), process.argv[3]];
const targets = ports.split(',').map(Number);
const topic = 'custom.t';
const maxConnecting = 256;

let connecting = 0;
let cutMs = 0;
let backMs = 0;
const tally = { missing: 0, doubled: 0, unrecovered: 0, received: 0 };

class Follower {
  isFollowing = false;
  epoch = '';
  offset = 0;
  private socket: WebSocket | null = null;

  constructor(private target: number) {}

  async connect(): Promise<void> {
    while (connecting >= maxConnecting) await sleep(2);
    connecting++;
    const socket = new WebSocket(`ws://127.0.0.1:${targets[this.target]}/ws/stream`, {
      perMessageDeflate: false,
    });
    this.socket = socket;
    let opened = false;
    socket.on('open', () => {
      opened = true;
      connecting--;
      const since = this.epoch === '' ? {} : { since: { epoch: this.epoch, offset: this.offset } };
      socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic, snapshot: false, ...since }));
    });
    socket.on('message', (data: Buffer) => this.take(data.toString('latin1')));
    socket.on('error', () => {
      // `close` follows.
    });
    socket.on('close', () => {
      if (!opened) connecting--;
      this.isFollowing = false;
      this.target = (this.target + 1) % targets.length;
      setTimeout(() => void this.connect(), opened ? 0 : 50);
    });
  }

  cut(): void {
    this.socket?.terminate();
  }

  private take(text: string): void {
    if (text.startsWith('{"type":"message"')) {
      tally.received++;
      const offset = Number(/"offset":(\d+)/.exec(text)![1]);
      if (offset <= this.offset) tally.doubled++;
      else {
        tally.missing += offset - this.offset - 1;
        this.offset = offset;
      }
      return;
    }
    const message = JSON.parse(text) as { type: string; epoch: string; offset: number; recovered: boolean };
    if (message.type !== 'subscribed') return;
    if (this.epoch !== '' && !message.recovered) tally.unrecovered++;
    if (this.epoch === '' || !message.recovered) this.offset = message.offset;
    this.epoch = message.epoch;
    this.isFollowing = true;
    if (cutMs > 0 && backMs === 0 && followers.every((f) => f.isFollowing))
      backMs = performance.now() - cutMs;
  }
}

const followers = Array.from({ length: count }, (_, i) => new Follower(i % targets.length));
await Promise.all(followers.map((follower) => follower.connect()));

const report = (): void => {
  const offsets = followers.map((f) => f.offset);
  const following = followers.filter((f) => f.isFollowing).length;
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
