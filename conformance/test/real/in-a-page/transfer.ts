import { memoryReceiver, pipePair, receiveFiles, sendFile, TransferError } from '@wsferry/transfer';
import { blobSource } from '@wsferry/transfer/browser';

/** Runs inside a browser: a browser's own File goes through the protocol, over a pipe in memory, and is compared. */
export async function ferry(length: number) {
  const content = new Uint8Array(length).map((_, index) => (index * 31) ^ (index >> 8));
  const file = new File([content], 'from a page.bin');
  const [here, there] = pipePair();
  const { accept, files } = memoryReceiver();
  const received = receiveFiles(there, { accept });
  const progress: number[] = [];
  const stored = await sendFile(here, blobSource(file), { onProgress: ({ stored }) => progress.push(stored) });
  const again = await sendFile(here, blobSource(file)).then(
    ({ existing }) => (existing ? 'existing' : 'stored twice'),
    (error: unknown) => (error instanceof TransferError ? error.code : String(error)),
  );
  here.close();
  await received;
  const arrived = files.get('from a page.bin');
  return {
    name: stored.name,
    size: stored.size,
    digest: stored.digest,
    same: arrived?.length === length && arrived.every((byte, index) => byte === content[index]),
    lastProgress: progress.at(-1),
    again,
  };
}
