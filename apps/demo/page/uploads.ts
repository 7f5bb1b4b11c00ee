import { signal } from '@preact/signals';
import { PauseSwitch, printable, type SendingEvent, TransferError } from '@wsferry/transfer';
import { blobSource, fileResumeKey } from '@wsferry/transfer/browser';
import { browserId } from './browser-id.ts';
import { courier } from './connection.ts';
import { Rate } from './rate.ts';
import { announcement, type Progress, type Upload, uploads } from './store.ts';
import { inWords } from './words.ts';

/** Several files travel over the one connection; more would only share the same bandwidth and hold memory. */
const travellingAtOnce = 4;
/** How often a bar moves: acknowledgements come far more often than anybody can see. */
const showEveryMs = 60;

let nextKey = 1;
let travelling = 0;
const queue: Waiting[] = [];
/**
 * The names of what travels, and those with size and time. Two files of one name have one key at the receiver, where the
 * newer would take over from the other; so the second gets a key of its own, and what is the same file waits for the first.
 */
const namesTravelling = new Set<string>();
const filesTravelling = new Set<string>();

/** An upload in line. */
interface Waiting {
  /** Its name, and its place in a folder. */
  readonly name: string;
  /** What else can be known of it without reading it. */
  readonly file: string;
  carry(besideAnother: boolean): Promise<void>;
}

/** Puts the files in line, in their order, below what is there already in time and above it on the page. */
export function send(files: readonly File[]): void {
  const added = files.map(enqueue);
  if (added.length === 0) return;
  uploads.value = [...added, ...uploads.value];
  announcement.value = added.length === 1 ? `Sending ${printable(added[0]!.name)}` : `Sending ${added.length} files`;
  pump();
}

function enqueue(file: File): Upload {
  const progress = signal<Progress>({ state: 'waiting' });
  const abort = new AbortController();
  const pause = new PauseSwitch();
  const paused = signal<Upload['paused']['value']>(undefined);
  const upload: Upload = {
    key: nextKey++,
    name: file.name,
    size: file.size,
    progress,
    paused,
    resumedAt: signal<number | undefined>(undefined),
    togglePause: () => (pause.paused ? pause.resume() : pause.pause()),
    cancel: () => {
      abort.abort();
      // Nothing has been told to the server of one that still waits: it is over right here.
      if (progress.value.state === 'waiting') progress.value = { state: 'cancelled' };
    },
  };
  const name = `${file.webkitRelativePath}\n${file.name}`;
  queue.push({
    name,
    file: `${name}\n${file.size}\n${file.lastModified}`,
    carry: (besideAnother) => carry(file, upload, { abort: abort.signal, pause, besideAnother }),
  });
  return upload;
}

function pump(): void {
  while (travelling < travellingAtOnce) {
    const index = queue.findIndex(({ file }) => !filesTravelling.has(file));
    const [next] = index < 0 ? [] : queue.splice(index, 1);
    if (!next) return;
    const besideAnother = namesTravelling.has(next.name);
    if (!besideAnother) namesTravelling.add(next.name);
    filesTravelling.add(next.file);
    travelling++;
    void next.carry(besideAnother).finally(() => {
      if (!besideAnother) namesTravelling.delete(next.name);
      filesTravelling.delete(next.file);
      travelling--;
      pump();
    });
  }
}

interface Carrying {
  readonly abort: AbortSignal;
  readonly pause: PauseSwitch;
  readonly besideAnother: boolean;
}

async function carry(file: File, upload: Upload, carrying: Carrying): Promise<void> {
  const { abort } = carrying;
  if (abort.aborted) return;
  // What waits for a connection waits in line; what waits for another one says where it stands.
  if (!(await untilAborted(courier.session(), abort))) return;
  upload.progress.value = { state: 'sending', stored: 0 };
  const name = printable(upload.name);
  try {
    const stored = await sendOne(file, upload, carrying);
    announcement.value = `${name} is stored and verified`;
    upload.progress.value = {
      state: 'verified',
      storedAs: stored.name,
      digest: stored.digest,
      existing: stored.existing,
    };
  } catch (error) {
    const cancelled = abort.aborted && (!(error instanceof TransferError) || error.code === 'CANCELLED');
    upload.progress.value = cancelled ? { state: 'cancelled' } : { state: 'failed', reason: inWords(error) };
    announcement.value = cancelled ? `${name} was cancelled` : `${name} failed: ${inWords(error)}`;
  }
}

async function sendOne(file: File, upload: Upload, { abort, pause, besideAnother }: Carrying) {
  const rate = new Rate();
  let shownAt = 0;
  rate.add(performance.now(), 0);
  const source = { ...blobSource(file), resumeKey: await fileResumeKey(file, browserId, { besideAnother }) };
  return courier.sendFile(source, {
    signal: abort,
    pause,
    onEvent: (event) => tell(event, upload),
    onProgress: ({ stored, compared }) => {
      const now = performance.now();
      if (now - shownAt < showEveryMs && stored < file.size) return;
      shownAt = now;
      rate.add(now, stored);
      if (upload.progress.value.state !== 'sending') return;
      upload.progress.value = { state: 'sending', stored, compared, bytesPerSecond: rate.bytesPerSecond };
    },
  });
}

function tell(event: SendingEvent, upload: Upload): void {
  const name = printable(upload.name);
  if (event.type === 'paused') upload.paused.value = event.by;
  if (event.type === 'continued') upload.paused.value = undefined;
  if (event.type === 'resumed') {
    upload.resumedAt.value = event.offset;
    announcement.value = `${name} goes on at ${Math.floor((event.offset / Math.max(1, upload.size)) * 100)} percent`;
  }
  if (event.type === 'restarted') announcement.value = `${name} begins anew: it has changed`;
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return Promise.race([
    promise,
    new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
  ]);
}
