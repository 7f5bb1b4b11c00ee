import { encodeFileDataInPlace, encodeFileDataInto } from './encode.ts';
import { asTransferError, type TransferError } from './errors.ts';
import {
  DATA_HEADER_BYTES,
  type DigestAlgorithm,
  type FileData,
  type OnConflict,
  type Packet,
  type RestartReason,
} from './packets.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { FileSource, OpenSource, StoredFile } from './ports.ts';
import { quietly } from './quietly.ts';
import { type SendAction, SendMachine, type ToSender } from './send-machine.ts';
import type { TurnTaking } from './turn-taking.ts';

/** Where a file being sent stands. `stored` is what the receiver has acknowledged, `sent` what it may still lose. */
export interface SendProgress {
  readonly stored: number;
  readonly sent: number;
  readonly size?: number;
  /**
   * When the receiver last said anything about this file, milliseconds since 1970. A connection that answers Pings is alive,
   * but its receiver may be stuck all the same: nobody here gives up on it, whoever shows the progress may say so.
   */
  readonly heardAt: number;
  /**
   * Only while nothing travels because the receiver says that it holds the beginning of the file, or all of it: so many of
   * those bytes have been read and digested here, to see whether they are the same.
   */
  readonly compared?: number;
}

/** What happens to a file being sent, beside its progress. */
export type SendingEvent =
  /** The receiver held `offset` bytes of it, proven to be the same: it goes on there. */
  | { readonly type: 'resumed'; readonly offset: number }
  /** Something was kept of it, and it begins anew all the same. */
  | { readonly type: 'restarted'; readonly reason: RestartReason }
  /** By whom: `local` is this side. Both may have, and then both must continue. */
  | { readonly type: 'paused' | 'continued'; readonly by: 'local' | 'peer' };

/** What a {@link SendDriver} needs of its session. */
export interface SendPort {
  readonly send: (packet: Packet) => void;
  readonly turns: TurnTaking;
  readonly chunkBytes: number;
}

/** What a {@link SendDriver} is told beside its source. */
export interface SendDriverOptions {
  readonly onProgress?: ((progress: SendProgress) => void) | undefined;
  readonly onEvent?: ((event: SendingEvent) => void) | undefined;
  readonly pause?: PauseSwitch | undefined;
  readonly onConflict?: OnConflict | undefined;
  /** The peer's request that this file answers. */
  readonly request?: number | undefined;
  /** What is offered beside `md5`. */
  readonly digest?: DigestAlgorithm | undefined;
}

/** Runs one {@link SendMachine} over a {@link FileSource} and a session. */
export class SendDriver {
  /** The outcome. Never an unhandled rejection, even if nobody looks. */
  readonly result: Promise<StoredFile>;
  /** Resolves when the outcome is known and the source is closed. */
  readonly settled: Promise<void>;
  readonly #machine: SendMachine;
  readonly #source: FileSource;
  readonly #port: SendPort;
  readonly #options: SendDriverOptions;
  readonly #resolve: (file: StoredFile) => void;
  readonly #reject: (error: TransferError) => void;
  #changed: (() => void) | undefined;
  #interrupt: (() => void) | undefined;
  #heardAt = 0;
  /** The source while it is read. */
  #reading: OpenSource | undefined;
  #message = new Uint8Array();
  /** The connection failed, not the file: it may be sent over another one. */
  #lost = false;
  #travelled = false;
  #pump: Promise<void> = Promise.resolve();

  constructor(id: number, source: FileSource, port: SendPort, options: SendDriverOptions) {
    this.#machine = new SendMachine({ id, name: source.name, size: source.size, digest: options.digest });
    this.#source = source;
    this.#port = port;
    this.#options = options;
    let resolve!: (file: StoredFile) => void;
    let reject!: (error: TransferError) => void;
    this.result = new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.#resolve = resolve;
    this.#reject = reject;
    const pumped = () => this.#pump;
    this.settled = this.result.then(pumped, pumped);
  }

  /** Whether a byte of the file has gone out. */
  get travelled(): boolean {
    return this.#travelled;
  }

  /** Offers the file. */
  start(): void {
    const { modified, folder, executable, resumeKey } = this.#source;
    const { onConflict, request } = this.#options;
    this.#port.send(this.#machine.offer({ modified, folder, executable, resumeKey, onConflict, request }));
    this.#options.pause?.hold((paused) => this.#apply(this.#machine.pause(paused)), this.settled);
  }

  /** A packet of the peer. Throws TransferError BAD_PACKET when it is out of place. */
  receive(packet: ToSender): void {
    this.#heardAt = Date.now();
    this.#apply(this.#machine.receive(packet));
  }

  /** Ends the transfer; `tell` whether the peer hears of it. */
  stop(error: TransferError, tell: boolean): void {
    this.#apply(this.#machine.stop(error, tell));
  }

  #apply(actions: readonly SendAction[]): void {
    for (const action of actions) {
      if (action.do === 'send') this.#port.send(action.packet);
      else if (action.do === 'open') {
        this.#report();
        this.#pump = this.#run(action.start);
      } else if (action.do === 'credit') {
        this.#reading?.stored?.(this.#machine.stored);
        this.#report();
      } else if (action.do === 'resumed') this.#tell({ type: 'resumed', offset: action.offset });
      else if (action.do === 'restarted') this.#tell({ type: 'restarted', reason: action.reason });
      else if (action.do === 'paused' || action.do === 'continued') this.#tell({ type: action.do, by: action.by });
      else if (action.do === 'finish') this.#resolve(action.file);
      else {
        this.#lost = action.error.code === 'CONNECTION_LOST' || action.error.code === 'SHUTTING_DOWN';
        this.#reject(action.error);
      }
    }
    this.#changed?.();
    if (this.#machine.ended) this.#interrupt?.();
  }

  async #run(start: number): Promise<void> {
    let open: OpenSource | undefined;
    try {
      open = await this.#open(start);
      this.#reading = open;
      if (open && start > 0 && !this.#machine.ended) {
        const verdict = this.#machine.judgePrefix(open.prefixDigest);
        const again = verdict.find((action) => action.do === 'open');
        if (again) {
          this.#apply(verdict.filter((action) => action !== again));
          await open.close({ mayReopen: true });
          open = undefined;
          open = await this.#open(again.start);
          this.#reading = open;
        } else this.#apply(verdict);
      }
      if (open) await this.#stream(open);
    } catch (error) {
      this.#apply(this.#machine.stop(asTransferError(error, 'SOURCE_FAILED')));
    } finally {
      // What was learned is learned: a source that cannot be closed changes nothing for the transfer.
      await open?.close({ mayReopen: this.#lost }).catch(() => {});
    }
  }

  /** The source, opened; `undefined` when the transfer ended first: then it is closed once it has opened. */
  async #open(start: number): Promise<OpenSource | undefined> {
    const opening = this.#source.open({
      start,
      chunkBytes: this.#port.chunkBytes,
      algorithm: this.#machine.algorithm,
      onCompared: (compared) => {
        if (!this.#machine.ended) this.#report({ compared });
      },
    });
    const open = await this.#unlessEnded(opening);
    if (open === undefined) void opening.then((late) => late.close({ mayReopen: this.#lost })).catch(() => {});
    return open;
  }

  /**
   * What a call of the source gives; `undefined` as soon as the transfer has ended. A silent pipe or a dead network
   * drive may answer never, and whoever cancels is not to wait for it. (Not Promise.race: each would leave something
   * on a promise that lives as long as the transfer.)
   */
  #unlessEnded<T>(call: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      call.then(resolve, reject);
      this.#interrupt = () => resolve(undefined);
      if (this.#machine.ended) this.#interrupt();
    });
  }

  async #stream(open: OpenSource): Promise<void> {
    const machine = this.#machine;
    const begin = machine.sent;
    while (!machine.ended) {
      let rest = await this.#unlessEnded(open.read());
      if (machine.ended) return;
      if (rest === undefined) {
        const digest = await this.#unlessEnded(open.digest());
        await this.#until(() => !machine.paused);
        if (digest !== undefined && !machine.ended) this.#apply(machine.sourceEnded(digest));
        return;
      }
      while (rest.length > 0 && !machine.ended) {
        await this.#until(() => machine.creditBytes > 0);
        const size = Math.min(machine.creditBytes, rest.length, this.#port.chunkBytes);
        const piece = rest.subarray(0, size);
        const { sent } = machine;
        await this.#port.turns.send(() => this.#chunk(piece, open.headroomBytes), sent === begin);
        rest = rest.subarray(machine.sent - sent);
      }
    }
  }

  /** The message of a turn; nothing when the transfer ended or was paused while it waited. */
  #chunk(piece: Uint8Array, headroomBytes: number | undefined): Uint8Array | undefined {
    if (this.#machine.ended || this.#machine.paused) return undefined;
    const actions = this.#machine.data(piece);
    const first = actions[0];
    if (first?.do === 'send' && first.packet.type === 'FILE_DATA') {
      this.#travelled = true;
      const inPlace = headroomBytes !== undefined && headroomBytes >= DATA_HEADER_BYTES;
      return inPlace ? encodeFileDataInPlace(first.packet) : this.#encode(first.packet);
    }
    this.#apply(actions);
    return undefined;
  }

  /** In memory that is used again: the pipe has copied the message before. A new one each time would be garbage that piles up. */
  #encode(packet: FileData): Uint8Array {
    const byteLength = DATA_HEADER_BYTES + packet.bytes.length;
    if (this.#message.byteLength < byteLength) this.#message = new Uint8Array(byteLength);
    return encodeFileDataInto(this.#message, packet);
  }

  /** Resolves when it is so, or the transfer has ended. */
  async #until(ready: () => boolean): Promise<void> {
    while (!ready() && !this.#machine.ended) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    this.#changed = undefined;
  }

  #tell(event: SendingEvent): void {
    quietly(() => this.#options.onEvent?.(event));
  }

  #report(more: Pick<SendProgress, 'compared'> = {}): void {
    const { stored, sent } = this.#machine;
    const size = this.#source.size;
    const heardAt = this.#heardAt;
    quietly(() =>
      this.#options.onProgress?.({ stored, sent, heardAt, ...(size === undefined ? {} : { size }), ...more }),
    );
  }
}
