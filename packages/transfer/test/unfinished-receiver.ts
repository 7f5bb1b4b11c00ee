/** A process of its own that has stored 1,000 bytes of a file in the folder of its first argument, and waits to be killed. */
import { directoryReceiver } from '../src/node/index.ts';
import { noControl, offerOf } from './offers.ts';

const { accept } = await directoryReceiver(process.argv[2]!);
const { sink } = await accept(offerOf('a'), noControl);
await sink.write(new Uint8Array(1000));
process.send!('stored');
process.on('disconnect', () => process.exit());
