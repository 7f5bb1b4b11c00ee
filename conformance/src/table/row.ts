import type { Connection, ConnectOptions, ListenOptions } from '@wsferry/connection';
import type { HeaderChanges, HeardHead } from './peer/http.ts';
import type { Delivery, Heard, Peer, Role } from './peer/peer.ts';
import { Opcode, type WireFrame } from './peer/wire.ts';

/** What every row says. `id` is the section it tests, and a name: `5.4-ping-between-fragments`. */
interface RowBase {
  readonly id: string;
  /** Where the rule stands, for example `RFC 6455 §5.4`. */
  readonly clause: string;
  /** The rule in one sentence: what the endpoint does when. */
  readonly rule: string;
  /** A bug of ours that is known and not mended yet: under vitest the row is expected to fail, the command still counts it. */
  readonly openBug?: string;
}

/** A stretch of a frame: its header, when `from` is 0, and its payload's bytes `from`–`to`. */
export interface Slice {
  readonly frame: WireFrame;
  readonly from: number;
  readonly to: number;
}

/**
 * What a row sends: frames; stretches of frames; bytes as they are; `heard`: wait until so many messages and control
 * frames have come back; `end`: end our side of TCP.
 */
export type Sent = WireFrame | Slice | Uint8Array | { readonly heard: number } | { readonly end: true };

/** A conversation after a good handshake. */
export interface ConversationRow extends RowBase {
  readonly kind: 'conversation';
  /** Default: both. */
  readonly roles?: readonly Role[];
  readonly send: readonly Sent[];
  /** Every message and control frame but the Close that must come back, in order. */
  readonly answers: readonly Heard[];
  /** The code of the Close that must come back; 0 for one without a code, `undefined` for no Close at all. */
  readonly close: number | undefined;
  /** A client, too, has to end TCP without waiting for us: it has to _Fail the WebSocket Connection_ (§7.1.7), or gives up. */
  readonly fails?: boolean;
  /** Default: all of them for what is small, and in one write for what is large. */
  readonly deliveries?: readonly Delivery[];
  readonly options?: { readonly maxMessageBytes?: number; readonly closeTimeoutMs?: number };
  /** permessage-deflate: what we offer a server, and what we answer a client. */
  readonly extensions?: { readonly offer: string; readonly answer: string };
  /** What the program behind the endpoint does, besides echoing. */
  readonly act?: (connection: Connection) => unknown;
  /** What else has to be so, seen from the wire; a sentence when it is not. */
  readonly check?: (peer: Peer, role: Role) => string | undefined;
  readonly timeoutMs?: number;
}

/** A value, a pattern, a test that gives a sentence when the value is wrong, or `undefined`: the header must not be there. */
export type WantedHeader = string | RegExp | ((value: string) => string | undefined) | undefined;

/** A request to our server, and the answer it has to give. */
export interface RequestRow extends RowBase {
  readonly kind: 'request';
  readonly request: string | Uint8Array;
  readonly options?: ListenOptions;
  /** 101: the connection has to work afterwards. Anything else: one answer, and TCP ends. */
  readonly status: number;
  /** What the answer's headers say. */
  readonly headers?: Readonly<Record<string, WantedHeader>>;
  readonly deliveries?: readonly Delivery[];
  /** `false`: the server answers without seeing more than `request`. Default: a whole further request follows. */
  readonly followed?: boolean;
}

/** An answer to our client's request, and what it has to make of it. */
export interface AnswerRow extends RowBase {
  readonly kind: 'answer';
  /** What the server answers to a request with `key`. */
  readonly answer: (key: string, request: HeardHead) => string | Uint8Array;
  readonly options?: ConnectOptions;
  /** The URL's path, and what else follows the port. */
  readonly path?: string;
  /**
   * `'opens'`, or the code of the error with which `connect` has to reject (any when it is empty); then TCP ends and
   * nothing more is sent.
   */
  readonly outcome: 'opens' | { readonly error: string };
  /** What the request has to be like; a sentence when it is not. */
  readonly request?: (request: HeardHead, url: URL) => string | undefined;
  /** The server ends its side of TCP after the answer. */
  readonly thenEnds?: boolean;
  readonly deliveries?: readonly Delivery[];
}

export type Row = ConversationRow | RequestRow | AnswerRow;

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
  /** Why the group is not played yet. */
  readonly skipped?: string;
}

export function rolesOf(row: Row): readonly Role[] {
  if (row.kind === 'request') return ['server'];
  return row.kind === 'answer' ? ['client'] : (row.roles ?? ['server', 'client']);
}

export const text = (payload: string | Uint8Array): Heard => ({ type: 'text', payload });
export const binary = (payload: string | Uint8Array): Heard => ({ type: 'binary', payload });
export const pong = (payload: string | Uint8Array): Heard => ({ type: 'pong', payload });

/** Frames by name. */
export const frame = {
  text: (payload: string | Uint8Array = '', more: Partial<WireFrame> = {}): WireFrame => ({
    opcode: Opcode.Text,
    payload,
    ...more,
  }),
  binary: (payload: string | Uint8Array = '', more: Partial<WireFrame> = {}): WireFrame => ({
    opcode: Opcode.Binary,
    payload,
    ...more,
  }),
  more: (payload: string | Uint8Array = '', more: Partial<WireFrame> = {}): WireFrame => ({
    opcode: Opcode.Continuation,
    payload,
    ...more,
  }),
  ping: (payload: string | Uint8Array = ''): WireFrame => ({ opcode: Opcode.Ping, payload }),
  pong: (payload: string | Uint8Array = ''): WireFrame => ({ opcode: Opcode.Pong, payload }),
  close: (code?: number, reason: string | Uint8Array = ''): WireFrame => ({
    opcode: Opcode.Close,
    payload: code === undefined ? '' : Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), Buffer.from(reason)]),
  }),
};

export const notLast = { fin: false } as const;
const good = frame.text('good');

type Extra = Partial<Omit<ConversationRow, 'id' | 'clause' | 'rule' | 'kind'>>;

/** A legal conversation: everything is answered, then we close with 1000 and so does the endpoint. */
export function answers(
  id: string,
  clause: string,
  rule: string,
  send: readonly Sent[],
  answers: readonly Heard[],
  extra: Extra = {},
): ConversationRow {
  return { kind: 'conversation', id, clause, rule, send: [...send, frame.close(1000)], answers, close: 1000, ...extra };
}

/** A conversation that ends as `close` says, whoever began it. */
export function closes(
  id: string,
  clause: string,
  rule: string,
  send: readonly Sent[],
  answers: readonly Heard[],
  close: number | undefined,
  extra: Extra = {},
): ConversationRow {
  return { kind: 'conversation', id, clause, rule, send, answers, close, ...extra };
}

/** A violation, behind a good message whose echo must still come, and before one that comes too late. */
export function fails(
  id: string,
  clause: string,
  rule: string,
  close: number,
  send: readonly Sent[],
  extra: Extra = {},
): ConversationRow {
  const all = [good, ...send, frame.text('too late')];
  return { kind: 'conversation', id, clause, rule, send: all, answers: [text('good')], close, fails: true, ...extra };
}

/** A violation that has to be seen before anything else comes: nothing follows what is sent. */
export function failsFast(
  id: string,
  clause: string,
  rule: string,
  close: number,
  send: readonly Sent[],
  extra: Extra = {},
): ConversationRow {
  return fails(id, clause, rule, close, send, { send: [good, ...send], ...extra });
}

/** Frames one after the other, each cut so that only a part of it is sent. */
export function upTo(whole: WireFrame, payloadBytes: number): Slice {
  return { frame: whole, from: 0, to: payloadBytes };
}

export type { Connection, Delivery, HeaderChanges, Heard, HeardHead, Peer, Role, WireFrame };
