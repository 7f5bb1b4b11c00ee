/** The floor under every server on Node: a socket that is accepted, its upgrade answered unread, and a listener for data. */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { collectGarbage, control } from './control.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function ignore(): void {}

function answer(this: Socket, chunk: Buffer): void {
  const [, key] = /\r\nSec-WebSocket-Key: (\S+)/.exec(chunk.toString('latin1')) ?? [];
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  this.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  this.on('data', ignore);
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', ignore); // the load ends without a closing handshake
  socket.once('data', answer);
});
server.listen(0, '127.0.0.1', () => control((server.address() as AddressInfo).port, collectGarbage));
