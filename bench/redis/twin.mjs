// What a careful author writes by hand in JavaScript: the hits of a tick in one EVALSHA over one socket, equal keys counted
// once, a fixed window, integers in the reply. No outage, no cluster, no deadline, no other algorithm.
import { createHash } from 'node:crypto';
import { connect } from 'node:net';

const SCRIPT = `local window = ARGV[1]
local out = {}
for i = 1, #KEYS do
  local count = redis.call('INCRBY', KEYS[i], ARGV[i + 1])
  local ttl
  if count == tonumber(ARGV[i + 1]) then
    redis.call('PEXPIRE', KEYS[i], window)
    ttl = tonumber(window)
  else
    ttl = redis.call('PTTL', KEYS[i])
  end
  out[2 * i - 1] = count
  out[2 * i] = ttl
end
return out`;
const SHA = createHash('sha1').update(SCRIPT).digest('hex');
const MOST_KEYS = 256;

export async function createTwin(port, limit, windowMs) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.write(`*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$${SCRIPT.length}\r\n${SCRIPT}\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));

  let queue = new Map();
  const sent = [];
  const numbers = createNumberReader((values) => {
    let at = 0;
    for (const waiting of sent.shift()) {
      let used = values[at] - waiting.length;
      at += 2;
      for (const done of waiting) done((used += 1) <= limit);
    }
  });
  socket.on('data', numbers);

  const head = `$7\r\nEVALSHA\r\n$40\r\n${SHA}\r\n`;
  const window = bulk(String(windowMs));
  function flush() {
    const batch = queue;
    queue = new Map();
    let keys = '';
    let counts = '';
    for (const [key, waiting] of batch) {
      keys += bulk(`t:${key}`);
      counts += bulk(String(waiting.length));
    }
    sent.push([...batch.values()]);
    socket.write(`*${4 + 2 * batch.size}\r\n${head}${bulk(String(batch.size))}${keys}${window}${counts}`, 'latin1');
  }
  return {
    hit(key, done) {
      if (queue.size === MOST_KEYS) flush();
      if (queue.size === 0) setImmediate(() => queue.size > 0 && flush());
      const waiting = queue.get(key);
      if (waiting) waiting.push(done);
      else queue.set(key, [done]);
    },
    close: () => socket.destroy(),
  };
}

const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

/** Reads replies that are arrays of integers, byte by byte. */
function createNumberReader(onReply) {
  let values = [];
  let expected = 0;
  let number = 0;
  let kind = 0;
  let sign = 1;
  return (bytes) => {
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index];
      if (byte >= 48 && byte <= 57) number = number * 10 + byte - 48;
      else if (byte === 45 && kind === 0) throw new Error(`Redis said ${bytes}`);
      else if (byte === 45) sign = -1;
      else if (byte === 10) {
        if (kind === 42) expected = number;
        else values.push(sign * number);
        if (values.length === expected) {
          const reply = values;
          values = [];
          onReply(reply);
        }
        number = 0;
        kind = 0;
        sign = 1;
      } else if (byte !== 13) kind = byte;
    }
  };
}
