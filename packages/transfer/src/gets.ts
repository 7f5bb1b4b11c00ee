import { TransferError } from './errors.ts';
import { onAbort } from './on-abort.ts';
import { cancelled, Places } from './places.ts';
import type { StoredFile } from './ports.ts';
import type { Requests } from './requests.ts';
import { type SafeName, safeFolder, safeName } from './safe-name.ts';
import type { GetOptions } from './session-options.ts';

/** A file that the peer was asked for and has not offered yet. */
export interface ExpectedFile extends GetOptions {
  readonly name: SafeName;
  readonly folder: readonly SafeName[];
  readonly resolve: (file: StoredFile) => void;
  readonly reject: (error: unknown) => void;
}

/** The files that a session asks for, until the peer offers them. */
export class Gets {
  readonly #requests: Requests;
  readonly #places: Places;
  readonly #expected = new Map<number, ExpectedFile>();

  constructor(requests: Requests, maxTransfers: number) {
    this.#requests = requests;
    this.#places = new Places(maxTransfers);
  }

  async get(asked: string, options: GetOptions): Promise<StoredFile> {
    const { signal, digest } = options;
    const place = { name: safeName(asked), folder: safeFolder(options.folder ?? []) };
    const leave = await this.#places.enter(signal);
    let request = 0;
    let unlisten = () => {};
    try {
      return await new Promise<StoredFile>((resolve, reject) => {
        const expected = { ...options, ...place, resolve, reject };
        // Once it has been offered, the transfer is cancelled instead.
        const cancel = () => this.#expected.delete(request) && reject(cancelled(signal!));
        const onAsked = (number: number) => {
          request = number;
          this.#expected.set(number, expected);
          unlisten = onAbort(signal, cancel);
        };
        const fields = { name: place.name, ...(place.folder.length > 0 && { folder: place.folder }), digest };
        this.#requests.ask('GET_FILE', fields, { signal, onAsked }).catch(reject);
      });
    } finally {
      unlisten();
      this.#expected.delete(request);
      leave();
    }
  }

  /**
   * The peer offers a file for that request. `undefined`: it was given up meanwhile, or offered before.
   *
   * @throws {TransferError} BAD_PACKET when it was never asked for.
   */
  take(request: number, id: number): ExpectedFile | undefined {
    const expected = this.#expected.get(request);
    this.#expected.delete(request);
    if (expected !== undefined || this.#requests.made(request)) return expected;
    throw new TransferError('BAD_PACKET', `NEW_FILE: no file was asked for by the request ${request}`, { id });
  }

  /** It was not offered as it should be. */
  fail(request: number, error: TransferError): void {
    const expected = this.#expected.get(request);
    this.#expected.delete(request);
    expected?.reject(error);
  }

  end(error: TransferError): void {
    this.#places.end(error);
    for (const request of [...this.#expected.keys()]) this.fail(request, error);
  }
}
