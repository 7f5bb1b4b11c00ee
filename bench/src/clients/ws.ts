/** The same on ws. Arguments: URL, bytes of a message. */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

const HIGH_WATER_MARK_BYTES = 1024 * 1024;
const [url, bytes] = process.argv.slice(2);
const message = randomBytes(Number(bytes));
const socket = new WebSocket(url!, { perMessageDeflate: false });
process.stdin.resume().on('end', () => process.exit());

function sendMore(): void {
  while (socket.bufferedAmount <= HIGH_WATER_MARK_BYTES) socket.send(message, sent);
}

function sent(error?: Error): void {
  if (error) process.exit();
  if (socket.bufferedAmount <= HIGH_WATER_MARK_BYTES / 2) sendMore();
}

socket.on('error', () => process.exit());
socket.on('open', () => {
  console.log('{"ready":true}');
  sendMore();
});
