/** A process of its own that has stored 1,000 bytes of a file in the folder of its first argument, and waits to be killed. */
import { directoryReceiver } from '../src/node/index.ts';
import { safeName } from '../src/safe-name.ts';

const { accept } = await directoryReceiver(process.argv[2]!);
const { sink } = await accept({ name: safeName('a'), id: 1 });
await sink.write(new Uint8Array(1000));
process.send!('stored');
process.on('disconnect', () => process.exit());
