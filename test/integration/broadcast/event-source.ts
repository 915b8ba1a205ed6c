/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads an event stream as a browser's EventSource would. */
export class EventSourceClient {
  readonly events: ServerEvent[] = [];
  private readonly abort = new AbortController();
  ended = false;

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventSourceClient> {
    const client = new EventSourceClient();
    const response = await fetch(url, { headers, signal: client.abort.signal });
    if (!response.ok || response.body === null) {
      throw Object.assign(new Error(`HTTP ${response.status}`), {
        status: response.status,
        body: await response.json(),
      });
    }
    void client.read(response.body);
    return client;
  }

  async until(fits: (event: ServerEvent) => boolean, timeoutMs = 3_000): Promise<ServerEvent> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`no such event; got ${JSON.stringify(this.events)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  messages(): Record<string, unknown>[] {
    return this.events.filter((e) => e.event === 'message').map((e) => e.data);
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          this.take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } catch {
      // Aborted by the test, or cut by the server: `ended` says so.
    }
    this.ended = true;
  }

  private take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    const data = fields.get('data');
    if (data === undefined) return;
    this.events.push({
      id: fields.get('id') ?? null,
      event: fields.get('event') ?? 'message',
      data: JSON.parse(data) as Record<string, unknown>,
    });
  }
}
