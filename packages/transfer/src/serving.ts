import type { TransferCode } from './codes.ts';
import { asTransferError, TransferError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { Outgoing } from './outgoing.ts';
import { type FileList, type GetFile, type ListFiles, MAX_OPEN_REQUESTS, type Note } from './packets.ts';
import { MAX_CONTROL_LENGTH } from './parse.ts';
import type { FileShelf, FileSource } from './ports.ts';
import { quietly } from './quietly.ts';
import { type SafeName, safeFolder, safeName } from './safe-name.ts';
import type { ServedEvent, ServedNews } from './served-event.ts';

/** How a session serves its peer. */
export interface ServingOptions {
  readonly shelf: FileShelf | undefined;
  readonly onServed: ((event: ServedEvent) => void) | undefined;
  /** Tells a note to everybody. Throws TransferError to refuse. */
  readonly post: (text: string) => void;
}

/** Answers what the peer asks for: files and lists from the shelf, and notes that are to be told. */
export class Serving {
  readonly #outbox: Outbox;
  readonly #outgoing: Outgoing;
  readonly #options: ServingOptions;
  readonly #ended = new AbortController();
  #highest = 0;
  /** Requests that are not answered yet. */
  #open = 0;
  /** One list at a time: a peer that asks for many gets them as it reads them. */
  #lists: Promise<void> = Promise.resolve();
  /** Files that were asked for and are not over. */
  readonly #gets = new Set<Promise<void>>();
  #retired: TransferError | undefined;

  constructor(outbox: Outbox, outgoing: Outgoing, options: ServingOptions) {
    this.#outbox = outbox;
    this.#outgoing = outgoing;
    this.#options = options;
  }

  /** Throws TransferError BAD_PACKET when the request's number is not the next. */
  receive(packet: GetFile | ListFiles | Note): void {
    if (packet.request !== undefined) this.#take(packet.type, packet.request);
    const refusal = this.#refusal();
    if (packet.type === 'NOTE') this.#post(packet, refusal);
    else {
      this.#open += 1;
      if (packet.type === 'GET_FILE') {
        const get = this.#get(packet, refusal).finally(() => this.#gets.delete(get));
        this.#gets.add(get);
      } else if (refusal) this.#answerList(packet.request, refused(refusal));
      else this.#lists = this.#lists.then(() => this.#list(packet));
    }
  }

  /** Refuses files and lists that are asked for from now on with SHUTTING_DOWN. Resolves when the files asked for before are over. */
  async retire(): Promise<void> {
    this.#retired ??= new TransferError('SHUTTING_DOWN');
    await Promise.all(this.#gets);
  }

  end(): void {
    this.#ended.abort();
  }

  #take(type: string, request: number): void {
    if (request <= this.#highest) {
      const message = `${type}: expected a request above ${this.#highest}, but ${request} came`;
      throw new TransferError('BAD_PACKET', message, { request });
    }
    this.#highest = request;
  }

  #refusal(): TransferError | undefined {
    if (this.#open < MAX_OPEN_REQUESTS) return this.#retired;
    return new TransferError('TOO_MANY_REQUESTS', `at most ${MAX_OPEN_REQUESTS} requests may be open`);
  }

  async #get(packet: GetFile, refusal: TransferError | undefined): Promise<void> {
    const { request, digest } = packet;
    const tell = (news: ServedNews) => this.#tell(packet, news);
    let answered = false;
    const answer = (answer: { readonly code: TransferCode; readonly message?: string }) => {
      answered = true;
      this.#open -= 1;
      this.#outbox.send({ type: 'ACK_GET_FILE', request, ...answer });
    };
    tell({ type: 'asked' });
    try {
      if (refusal) throw refusal;
      const name = safeName(packet.name);
      const folder = safeFolder(packet.folder ?? []);
      const source = served(await this.#shelf().file(name, folder), name, folder);
      // Answered when its turn has come: until then it can still turn out that there is nothing to send.
      const onOffer = () => {
        answer({ code: 'OK' });
        tell({ type: 'offered', size: source.size });
      };
      const onProgress = ({ stored }: { readonly stored: number }) => tell({ type: 'progress', stored });
      const file = await this.#outgoing.sendFile(source, { digest, onProgress, onEvent: tell }, { request, onOffer });
      tell({ type: 'stored', file });
    } catch (error) {
      const refusal = asTransferError(error, 'SOURCE_FAILED');
      tell({ type: answered ? 'failed' : 'refused', ...refused(refusal) });
      if (!answered) answer(refused(refusal));
    }
  }

  async #list(packet: ListFiles): Promise<void> {
    const { request, recursive, after } = packet;
    const { signal } = this.#ended;
    // An answer may be long: it waits until those before it are read.
    await this.#outbox.whenRead();
    try {
      const folder = safeFolder(packet.folder ?? []);
      const options = { signal, ...(recursive && { recursive }), ...(after !== undefined && { after }) };
      const { entries, next } = await this.#shelf().list(folder, options);
      this.#answerList(request, { code: 'OK', entries, next });
    } catch (error) {
      this.#answerList(request, refused(asTransferError(error, 'SOURCE_FAILED')));
    }
  }

  #answerList(request: number, answer: Omit<FileList, 'type' | 'request'>): void {
    this.#open -= 1;
    const packet: FileList = { type: 'FILE_LIST', request, ...answer };
    if (JSON.stringify(packet).length <= MAX_CONTROL_LENGTH) this.#outbox.send(packet);
    else this.#outbox.send({ type: 'FILE_LIST', request, code: 'INTERNAL', message: 'the page does not fit' });
  }

  #post({ request, text }: Note, refusal: TransferError | undefined): void {
    let answer: { readonly code: TransferCode; readonly message?: string } = { code: 'OK' };
    try {
      if (refusal && refusal !== this.#retired) throw refusal;
      this.#options.post(text);
    } catch (error) {
      answer = refused(asTransferError(error, 'INTERNAL'));
    }
    if (request !== undefined) this.#outbox.send({ type: 'ACK_NOTE', request, ...answer });
    else if (answer.code !== 'OK') this.#outbox.send({ type: 'ERROR', message: '', ...answer });
  }

  #shelf(): FileShelf {
    const { shelf } = this.#options;
    if (!shelf) throw new TransferError('FORBIDDEN', 'there is nothing to get here');
    return shelf;
  }

  #tell({ request, name, folder = [] }: GetFile, news: ServedNews): void {
    quietly(() => this.#options.onServed?.({ request, name, ...(folder.length > 0 && { folder }), ...news }));
  }
}

/** The source under the name it was asked for by: that is how the asker knows it. */
function served(source: FileSource, name: SafeName, folder: readonly SafeName[]): FileSource {
  const { size, modified, executable, resumeKey } = source;
  return {
    name,
    size,
    ...(folder.length > 0 && { folder }),
    ...(modified !== undefined && { modified }),
    ...(executable !== undefined && { executable }),
    ...(resumeKey !== undefined && { resumeKey }),
    open: (options) => source.open(options),
  };
}

function refused({ code, message }: TransferError): { readonly code: TransferCode; readonly message: string } {
  return { code, message };
}
