/** Sends as fast as it can, through the public API. Arguments: URL, bytes of a message. */
import { randomBytes } from 'node:crypto';
import { connect } from '@wsferry/connection';

const [url, bytes] = process.argv.slice(2);
const message = randomBytes(Number(bytes));
const connection = await connect(url!);
console.log('{"ready":true}');
process.stdin.resume().on('end', () => process.exit());

for (;;) {
  // In turns of the event loop, as a program that reads its messages from somewhere would.
  while (connection.send(message));
  await connection.drained().catch(() => process.exit());
}
