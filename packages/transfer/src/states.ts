/**
 * Both machines of a transfer, as tables. Everything that may change a state is in this file: an event without an
 * entry in the row of the current state is out of place, and the machines treat it as a violation by whoever caused it;
 * only after the end (`done`, `failed`) what a peer sends is late instead, and ignored.
 * PROTOCOL.md draws these tables and states.test.ts walks them.
 */

/** What the sender of a file is doing. */
export type SendState = 'offered' | 'proving' | 'sending' | 'ending' | 'done' | 'failed';

/** What can happen to the sender of a file. */
export type SendEvent =
  /** ACK_NEW_FILE OK, nothing is stored yet. */
  | 'ACCEPTED'
  /** ACK_NEW_FILE OK, with a prefix to prove. */
  | 'ACCEPTED_PREFIX'
  /** Our own prefix was digested: go on there, or start over. */
  | 'PREFIX_JUDGED'
  /** ACK_FILE_DATA. */
  | 'CREDITED'
  /** The source has no more bytes; FILE_END goes out. */
  | 'SOURCE_ENDED'
  /** ACK_FILE_END OK. */
  | 'STORED'
  /** Any code but OK, CANCEL_FILE, ERROR, an aborted signal, a failing source, a lost connection. */
  | 'STOPPED';

/** What the receiver of a file is doing. */
export type ReceiveState = 'deciding' | 'receiving' | 'verifying' | 'committing' | 'done' | 'failed';

/** What can happen to the receiver of a file. */
export type ReceiveEvent =
  /** `accept` gave a sink; ACK_NEW_FILE OK goes out. */
  | 'SINK_READY'
  /** FILE_DATA. */
  | 'DATA'
  /** FILE_END. */
  | 'END'
  /** The digests are equal; the file takes its final name. From here it is too late to stop. */
  | 'VERIFIED'
  /** The file has its final name; ACK_FILE_END OK goes out. */
  | 'COMMITTED'
  /** The sink failed while committing. */
  | 'COMMIT_FAILED'
  /** Refused, wrong size or digest, storage failed, CANCEL_FILE, ERROR, a lost connection. */
  | 'STOPPED';

/** A machine: for each state, where each event that may happen in it leads. */
export type Transitions<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

/** The sender's machine. */
export const sendTransitions: Transitions<SendState, SendEvent> = {
  offered: { ACCEPTED: 'sending', ACCEPTED_PREFIX: 'proving', STOPPED: 'failed' },
  proving: { PREFIX_JUDGED: 'sending', STOPPED: 'failed' },
  sending: { CREDITED: 'sending', SOURCE_ENDED: 'ending', STOPPED: 'failed' },
  ending: { CREDITED: 'ending', STORED: 'done', STOPPED: 'failed' },
  done: {},
  failed: {},
};

/** The receiver's machine. */
export const receiveTransitions: Transitions<ReceiveState, ReceiveEvent> = {
  deciding: { SINK_READY: 'receiving', STOPPED: 'failed' },
  receiving: { DATA: 'receiving', END: 'verifying', STOPPED: 'failed' },
  verifying: { VERIFIED: 'committing', STOPPED: 'failed' },
  committing: { COMMITTED: 'done', COMMIT_FAILED: 'failed' },
  done: {},
  failed: {},
};

/** Where `event` leads from `state`, or `undefined` when it is out of place there. */
export function next<State extends string, Event extends string>(
  transitions: Transitions<State, Event>,
  state: State,
  event: Event,
): State | undefined {
  return transitions[state][event];
}
