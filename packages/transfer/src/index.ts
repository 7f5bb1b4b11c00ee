export { codeSentences, isTransferCode, type TransferCode } from './codes.ts';
export { asTransferError, TransferError, type TransferErrorOptions } from './errors.ts';
export * from './packets.ts';
export type { MessagePipe } from './pipe.ts';
export type {
  Accept,
  Accepted,
  FileOffer,
  FileSink,
  FileSource,
  OpenOptions,
  OpenSource,
  StoredFile,
} from './ports.ts';
export { MAX_NAME_BYTES, RESERVED_PREFIX, type SafeName, safeName } from './safe-name.ts';
