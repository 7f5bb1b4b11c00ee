export { type Arrival, ArrivalBoard, type BoardListeners, type PostedNote } from './arrival-board.ts';
export type { CourierClock } from './clock.ts';
export { codeSentences, isTransferCode, type TransferCode } from './codes.ts';
export { receiveFiles, sendFile } from './conveniences.ts';
export {
  Courier,
  type CourierOptions,
  type LineEvent,
  type ProbeOptions,
  type RetryOptions,
} from './courier/index.ts';
export { type DigestField, digestField } from './digest.ts';
export { encodeFileData, encodePacket } from './encode.ts';
export { asTransferError, TransferError, type TransferErrorOptions } from './errors.ts';
export { bytesSource } from './memory.ts';
export { type MemoryReceiver, type MemoryReceiverOptions, memoryReceiver } from './memory-receiver.ts';
export { type MemoryDetails, type MemoryFiles, memoryShelf } from './memory-shelf.ts';
export { openSession } from './open-session.ts';
export * from './packets.ts';
export { MAX_PAGE_LENGTH, PageBuilder } from './page-builder.ts';
export { MAX_CONTROL_LENGTH, parsePacket } from './parse.ts';
export { PauseSwitch } from './pause-switch.ts';
export type { MessagePipe, PipeEnd } from './pipe.ts';
export { type MemoryPipe, pipePair } from './pipe-pair.ts';
export type {
  Accept,
  Accepted,
  AcceptFolder,
  FileOffer,
  FileShelf,
  FileSink,
  FileSource,
  FolderOffer,
  ListOptions,
  ListPage,
  OpenOptions,
  OpenSource,
  StoredFile,
  TransferControl,
} from './ports.ts';
export { printable } from './printable.ts';
export type { About } from './probes.ts';
export { limitAccept, limitRate, limitShelf, RateLimit } from './rate-limit.ts';
export { type ReceiveAction, ReceiveMachine } from './receive-machine.ts';
export { lateData, wouldTake } from './rehearsal.ts';
export {
  checkWindowsName,
  MAX_FOLDER_DEPTH,
  MAX_NAME_BYTES,
  RESERVED_PREFIX,
  type SafeName,
  safeFolder,
  safeName,
} from './safe-name.ts';
export type { SendingEvent, SendProgress } from './send-driver.ts';
export { type SendAction, SendMachine, type ToSender } from './send-machine.ts';
export type { ServedEvent, ServedNews } from './served-event.ts';
export { MAX_VIOLATIONS } from './session.ts';
export type {
  FolderSource,
  GetOptions,
  SendOptions,
  Session,
  SessionOptions,
  WatchListeners,
} from './session-options.ts';
export {
  next,
  type ReceiveEvent,
  type ReceiveState,
  receiveTransitions,
  type SendEvent,
  type SendState,
  sendTransitions,
  type Transitions,
} from './states.ts';
export { offeredSubprotocols, TOKEN_SUBPROTOCOL_PREFIX } from './subprotocols.ts';
export type { TransferEvent, TransferNews } from './transfer-event.ts';
export { type Place, type Resumable, TransferLimit, type TransferLimitOptions } from './transfer-limit.ts';
