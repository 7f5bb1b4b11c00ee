/** ws, with bufferutil and utf-8-validate beside it. Arguments: echo | strings | push, deflate? */
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { collectGarbage, control } from './control.ts';

const [mode, deflate] = process.argv.slice(2);

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate === 'deflate' });
server.on('connection', (socket) => {
  socket.on('error', () => {}); // the load ends without a closing handshake
  socket.on('message', (data: Buffer, binary) => {
    if (mode === 'push') for (const each of server.clients) each.send(data, { binary });
    else if (mode === 'strings' && !binary) socket.send(data.toString());
    else socket.send(data, { binary });
  });
});
server.on('listening', () => control((server.address() as AddressInfo).port, collectGarbage));
