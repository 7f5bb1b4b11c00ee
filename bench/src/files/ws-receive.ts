/** What one would write on ws to take a file: a write stream, an md5 beside it, an answer at the end. Argument: the folder. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

const dir = process.argv[2]!;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });

server.on('connection', (socket) => {
  const hash = createHash('md5');
  const file = createWriteStream(join(dir, 'arrived.bin'));
  file.on('drain', () => socket.resume());
  socket.on('message', (data: Buffer, binary) => {
    if (binary) {
      hash.update(data);
      if (!file.write(data)) socket.pause();
      return;
    }
    const same = hash.digest('hex') === data.toString();
    socket.resume(); // a file that ends drains no more, and the peer's Close has to be read
    file.end(() => socket.send(same ? 'stored' : 'wrong'));
  });
});
server.on('listening', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
process.stdin.resume().on('end', () => process.exit());
