/** How long the positions of a topic are kept after its last message, or since it was last followed, ms. */
const metaTtlMs = 7 * 24 * 3_600_000;
/** … of a topic that has had no message: whoever may read can make up names. */
const emptyTtlMs = 3_600_000;
const seenTtlMs = 24 * 3_600_000;

/** How long to keep the positions of a topic that somebody follows, ms. */
export const keepMs = (offset: number): number => (offset === 0 ? emptyTtlMs : metaTtlMs);
/** How often that has to be said, ms. */
export const keepEveryMs = emptyTtlMs / 4;

/**
 * Publishes a batch of one shard: gives offsets, remembers, announces. Called again with the same origin and number, it
 * does nothing and answers as it did before.
 *
 * KEYS: seen of the origin, topics, then meta and history of each message. ARGV: channel, origin, number, epoch for topics that have
 * none, longest history, its time to live, PUBLISH or SPUBLISH, then topic, time and body of each message.
 * Answers lines of `epoch\toffset`.
 */
export const publishScript = `
local seen = redis.call('GET', KEYS[1])
if seen then
  local bar = string.find(seen, '|', 1, true)
  if tonumber(string.sub(seen, 1, bar - 1)) >= tonumber(ARGV[3]) then return string.sub(seen, bar + 1) end
end
local positions, lines = {}, { ARGV[2] .. '\\t' .. ARGV[3] }
for i = 1, (#KEYS - 2) / 2 do
  local meta, history = KEYS[2 * i + 1], KEYS[2 * i + 2]
  local topic, time, body = ARGV[3 * i + 5], ARGV[3 * i + 6], ARGV[3 * i + 7]
  local epoch = redis.call('HGET', meta, 'e')
  if not epoch then
    epoch = ARGV[4] .. i
    redis.call('DEL', history)
    redis.call('HSET', meta, 'e', epoch)
    redis.call('SADD', KEYS[2], topic)
  end
  local offset = redis.call('HINCRBY', meta, 'o', 1)
  redis.call('HSET', meta, 't', time, 'b', body)
  redis.call('PEXPIRE', meta, ${metaTtlMs})
  redis.call('XADD', history, 'MAXLEN', '~', ARGV[5], offset .. '-0', 't', time, 'b', body, 'g', ARGV[2], 'n', ARGV[3])
  redis.call('PEXPIRE', history, ARGV[6])
  positions[i] = epoch .. '\\t' .. offset
  lines[i + 1] = epoch .. '\\t' .. offset .. '\\t' .. time .. '\\t' .. topic .. '\\t' .. body
end
redis.call(ARGV[7], ARGV[1], table.concat(lines, '\\n'))
local answer = table.concat(positions, '\\n')
redis.call('SET', KEYS[1], ARGV[3] .. '|' .. answer, 'PX', ${seenTtlMs})
return answer
`;

/**
 * The position and last message of a topic, with an epoch made if it has none.
 * KEYS: meta, history, topics. ARGV: epoch, topic. Answers epoch, offset, time and body (both empty before the first).
 */
export const openScript = `
local epoch = redis.call('HGET', KEYS[1], 'e')
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'e', epoch, 'o', 0)
  redis.call('PEXPIRE', KEYS[1], ${emptyTtlMs})
  redis.call('SADD', KEYS[3], ARGV[2])
end
local rest = redis.call('HMGET', KEYS[1], 'o', 't', 'b')
return { epoch, rest[1] or '0', rest[2] or '', rest[3] or '' }
`;

/**
 * Redis came back with less than it had given out: the old epoch must not give the same offsets again.
 * KEYS: meta, history. ARGV: epoch before, new epoch, offset that was reached. Answers the epoch that holds now.
 */
export const renewScript = `
local now = redis.call('HMGET', KEYS[1], 'e', 'o')
if now[1] == ARGV[1] and tonumber(now[2] or '0') < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'e', ARGV[2])
  redis.call('DEL', KEYS[2])
  return ARGV[2]
end
return now[1] or ''
`;

/**
 * Takes the names of topics that Redis has forgotten out of the names of its shard.
 * KEYS: topics, then meta of each name. ARGV: the names. Answers those that it still knows.
 */
export const knownScript = `
local known = {}
for i, name in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then known[#known + 1] = name
  else redis.call('SREM', KEYS[1], name) end
end
return known
`;

/** One announced message. */
export interface Line {
  readonly epoch: string;
  readonly offset: number;
  readonly tsMs: number;
  readonly topic: string;
  readonly body: string;
}

/** Reads what {@link publishScript} announces. JSON has neither raw tabs nor raw line ends, so both can separate. */
export function readAnnouncement(text: string): { origin: string; number: number; lines: Line[] } {
  const [head = '', ...rest] = text.split('\n');
  const [origin = '', number = ''] = head.split('\t');
  return { origin, number: Number(number), lines: rest.map(readLine) };
}

function readLine(text: string): Line {
  const [epoch = '', offset = '', time = '', topic = '', body = ''] = text.split('\t');
  return { epoch, offset: Number(offset), tsMs: Number(time), topic, body };
}

/** Reads the answer of {@link publishScript}. */
export const readPositions = (text: string): { epoch: string; offset: number }[] =>
  text.split('\n').map((line) => {
    const [epoch = '', offset = ''] = line.split('\t');
    return { epoch, offset: Number(offset) };
  });
