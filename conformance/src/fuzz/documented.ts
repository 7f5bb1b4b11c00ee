import { FrameError } from '@wsferry/frames';
import { HandshakeError } from '@wsferry/handshake';
import { codeSentences, TransferError } from '@wsferry/transfer';
import { documented } from './target.ts';

// Written out a second time, as the READMEs list them: a code that the source merely gained is not documented yet.

/** README of @wsferry/frames. */
const FRAME_CODES = [
  'RESERVED_BITS',
  'RESERVED_OPCODE',
  'FRAGMENTED_CONTROL',
  'CONTROL_TOO_LONG',
  'UNMASKED',
  'MASKED',
  'LENGTH_NOT_MINIMAL',
  'LENGTH_TOO_LARGE',
  'UNEXPECTED_CONTINUATION',
  'EXPECTED_CONTINUATION',
  'INVALID_CLOSE',
  'INVALID_UTF8',
  'INVALID_DEFLATE',
  'TOO_BIG',
];

/** README of @wsferry/handshake, the codes that bytes alone can lead to: what a request can be… */
const REQUEST_CODES = [
  'BAD_REQUEST_LINE',
  'BAD_HEADER',
  'LINE_TOO_LONG',
  'TOO_MANY_HEADERS',
  'HEAD_TOO_LARGE',
  'BAD_METHOD',
  'BAD_HTTP_VERSION',
  'NOT_AN_UPGRADE',
  'BAD_HOST',
  'BAD_CONNECTION',
  'BAD_KEY',
  'BAD_VERSION',
  'BAD_PROTOCOL',
  'BAD_EXTENSIONS',
  'ORIGIN_REFUSED',
  'NOT_FOUND',
  'BODY_NOT_ALLOWED',
  'CONNECTION_LOST',
];

/** … and what a response can be. */
const RESPONSE_CODES = [
  'BAD_STATUS_LINE',
  'BAD_HEADER',
  'LINE_TOO_LONG',
  'TOO_MANY_HEADERS',
  'HEAD_TOO_LARGE',
  'BAD_HTTP_VERSION',
  'UNEXPECTED_STATUS',
  'BAD_UPGRADE',
  'BAD_CONNECTION',
  'BAD_ACCEPT',
  'BAD_PROTOCOL',
  'BAD_EXTENSIONS',
  'UNREQUESTED_PROTOCOL',
  'UNREQUESTED_EXTENSION',
  'CONNECTION_LOST',
];

const TRANSFER_CODES = Object.keys(codeSentences);

export const frameCode = (error: unknown): string => documented(error, FrameError, FRAME_CODES);
export const requestCode = (error: unknown): string => documented(error, HandshakeError, REQUEST_CODES);
export const responseCode = (error: unknown): string => documented(error, HandshakeError, RESPONSE_CODES);
export const transferCode = (error: unknown): string => documented(error, TransferError, TRANSFER_CODES);
