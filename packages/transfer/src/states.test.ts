import { describe, expect, test } from 'vitest';
import { TransferError } from './errors.ts';
import { ReceiveMachine } from './receive-machine.ts';
import { SendMachine } from './send-machine.ts';
import {
  type ReceiveEvent,
  type ReceiveState,
  receiveTransitions,
  type SendEvent,
  type SendState,
  sendTransitions,
} from './states.ts';

const md5 = '900150983cd24fb0d6963f7d28e17f72';
const error = new TransferError('CANCELLED');
const file = { name: 'a', size: 3, digest: md5, algorithm: 'md5', existing: false } as const;

const sendEvents: Record<SendEvent, (machine: SendMachine) => unknown> = {
  ACCEPTED: (machine) => machine.receive({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' }),
  ACCEPTED_PREFIX: (machine) =>
    machine.receive({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', offset: 1, prefixDigest: 'ab' }),
  PREFIX_JUDGED: (machine) => machine.judgePrefix('ab'),
  CREDITED: (machine) => machine.receive({ type: 'ACK_FILE_DATA', id: 1, stored: 0 }),
  SOURCE_ENDED: (machine) => machine.sourceEnded(md5),
  STORED: (machine) => machine.receive({ type: 'ACK_FILE_END', id: 1, code: 'OK' }),
  STOPPED: (machine) => machine.receive({ type: 'CANCEL_FILE', id: 1 }),
};
const sendPaths: Record<SendState, SendEvent[]> = {
  offered: [],
  proving: ['ACCEPTED_PREFIX'],
  sending: ['ACCEPTED'],
  ending: ['ACCEPTED', 'SOURCE_ENDED'],
  done: ['ACCEPTED', 'SOURCE_ENDED', 'STORED'],
  failed: ['STOPPED'],
};

const receiveEvents: Record<ReceiveEvent, (machine: ReceiveMachine) => unknown> = {
  SINK_READY: (machine) => machine.accept({}),
  DATA: (machine) => machine.data({ type: 'FILE_DATA', id: 1, offset: 0, bytes: new Uint8Array(0) }),
  END: (machine) => machine.end({ type: 'FILE_END', id: 1, md5 }),
  VERIFIED: (machine) => machine.verify(md5),
  COMMITTED: (machine) => machine.committed(file),
  COMMIT_FAILED: (machine) => machine.commitFailed(error),
  STOPPED: (machine) => machine.stopped({ type: 'CANCEL_FILE', id: 1 }),
};
const receivePaths: Record<ReceiveState, ReceiveEvent[]> = {
  deciding: [],
  receiving: ['SINK_READY'],
  verifying: ['SINK_READY', 'END'],
  committing: ['SINK_READY', 'END', 'VERIFIED'],
  done: ['SINK_READY', 'END', 'VERIFIED', 'COMMITTED'],
  failed: ['STOPPED'],
};

interface Walk<State extends string, Event extends string, Machine extends { readonly state: State }> {
  readonly table: Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;
  readonly events: Record<Event, (machine: Machine) => unknown>;
  readonly paths: Record<State, Event[]>;
  /** The events that a packet causes: after the end they are late, and no fault of anybody. */
  readonly packets: readonly Event[];
  readonly create: () => Machine;
}

/** Every event in every state: where the table has an entry the machine goes there, elsewhere it stays. */
function walk<S extends string, E extends string, M extends { readonly state: S }>(name: string, w: Walk<S, E, M>) {
  describe(name, () => {
    for (const state of Object.keys(w.table) as S[]) {
      for (const event of Object.keys(w.events) as E[]) {
        const to = w.table[state][event];
        const late = (state === 'done' || state === 'failed') && w.packets.includes(event);
        const nothing = late ? 'nothing: it is late' : 'nothing, and BAD_PACKET where a peer caused it';
        test(`${state} + ${event} → ${to ?? nothing}`, () => {
          const machine = w.create();
          for (const step of w.paths[state]) w.events[step](machine);
          expect(machine.state).toBe(state);
          let thrown: unknown;
          try {
            w.events[event](machine);
          } catch (error) {
            thrown = error;
          }
          // A stop that comes too late is no fault of anybody.
          if (to !== undefined || late || event === 'STOPPED') expect(thrown).toBeUndefined();
          else expect(thrown).toMatchObject({ code: 'BAD_PACKET', id: 1 });
          expect(machine.state).toBe(to ?? state);
        });
      }
    }
  });
}

walk('the sender', {
  table: sendTransitions,
  events: sendEvents,
  paths: sendPaths,
  packets: ['ACCEPTED', 'ACCEPTED_PREFIX', 'CREDITED', 'STORED'],
  create: () => new SendMachine({ id: 1, name: 'a', size: undefined }),
});
walk('the receiver', {
  table: receiveTransitions,
  events: receiveEvents,
  paths: receivePaths,
  packets: ['DATA', 'END'],
  create: () => new ReceiveMachine({ type: 'NEW_FILE', id: 1, name: 'a' }, { maxFileBytes: 1000, windowBytes: 800 }),
});
