export type { CloseStatus } from './close.ts';
export {
  CloseCode,
  encodeClosePayload,
  isReceivableCloseCode,
  isSendableCloseCode,
  parseClosePayload,
} from './close.ts';
export type { FrameDecoderOptions, FramePiece } from './decoder.ts';
export { FrameDecoder } from './decoder.ts';
export type { Frame } from './encode.ts';
export { encodeFrame, encodeFrameInto, frameByteLength } from './encode.ts';
export type { FrameErrorCode } from './errors.ts';
export { FrameError } from './errors.ts';
export { fragmentMessage } from './fragment.ts';
export type { FrameHeader } from './header.ts';
export { encodeFrameHeader, parseFrameHeader } from './header.ts';
export { LentMemory, lentMemory } from './lent-memory.ts';
export { applyMask } from './mask.ts';
export { createMaskingKey } from './masking-key.ts';
export type { Inflate, Message, MessageAssemblerOptions, MessageMemory, TextAs } from './message-assembler.ts';
export { MessageAssembler } from './message-assembler.ts';
export type { Role } from './opcode.ts';
export { isControlOpcode, Opcode } from './opcode.ts';
export { asText, isTextBytes, TextBytes } from './text-bytes.ts';
export { decodeUtf8, isUtf8, Utf8Validator } from './utf8.ts';
