/** What one would write on ws to send a file: a read stream, an md5 beside it. Arguments: URL, path. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { WebSocket } from 'ws';

const [url, path] = process.argv.slice(2);
const socket = new WebSocket(url!, { perMessageDeflate: false });
await once(socket, 'open');
const answer = once(socket, 'message');
const hash = createHash('md5');
for await (const chunk of createReadStream(path!, { highWaterMark: 256 * 1024 })) {
  hash.update(chunk);
  // Its callback comes when the kernel took it: that is ws's backpressure.
  const sent = new Promise((resolve) => socket.send(chunk, resolve));
  if (socket.bufferedAmount > 1024 * 1024) await sent;
}
socket.send(hash.digest('hex'));
const [word] = await answer;
socket.close();
if (String(word) !== 'stored') process.exit(1);
