/** Takes files through the public API. Argument: the folder. */
import { listen } from '@wsferry/connection';
import { receiveFiles } from '@wsferry/transfer';
import { directoryReceiver } from '@wsferry/transfer/node';

const { accept } = await directoryReceiver(process.argv[2]!);
const listener = await listen({ port: 0, protocols: ['wsferry.v1'] }, (connection) =>
  receiveFiles(connection, { accept }),
);
process.stdin.resume().on('end', () => process.exit());
console.log(JSON.stringify({ port: listener.port }));
