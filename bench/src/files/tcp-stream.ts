/** One plain TCP stream: what a line gives to whoever sends nothing but bytes. Arguments: receive | send, bytes, port. */
import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [mode, size, port] = process.argv.slice(2);
const bytes = Number(size);
process.stdin.resume().on('end', () => process.exit());

if (mode === 'receive') {
  const server = createServer((socket) => {
    let come = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      come += chunk.length;
      if (come >= bytes) socket.end('.');
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const { port: bound } = server.address() as { port: number };
    console.log(JSON.stringify({ port: bound }));
  });
} else {
  const block = randomBytes(256 * 1024);
  const startedAt = performance.now();
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const part = block.subarray(0, Math.min(left, block.length));
      left -= part.length;
      if (!socket.write(part)) return;
    }
  };
  socket.on('connect', more);
  socket.on('drain', more);
  // The one byte that comes back says that all of it arrived.
  socket.once('data', () => {
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 }));
  });
}
