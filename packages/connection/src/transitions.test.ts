import { expect, test } from 'vitest';
import { type ConnectionState, nextState, TRANSITIONS, type Trigger } from './index.ts';

const states = Object.keys(TRANSITIONS) as ConnectionState[];
const triggers: Trigger[] = ['close-sent', 'close-received', 'violation', 'tcp-ended'];

test('every state answers every trigger with a state of the table, or not at all', () => {
  for (const state of states) {
    for (const trigger of triggers) {
      const next = nextState(state, trigger);
      if (next !== undefined) expect(states).toContain(next);
    }
  }
});

test('nothing leads back to open', () => {
  for (const state of states) for (const trigger of triggers) expect(nextState(state, trigger)).not.toBe('open');
});

test('closed and failed are ends', () => {
  for (const trigger of triggers) {
    expect([undefined, 'closed']).toContain(nextState('closed', trigger));
    expect([undefined, 'failed']).toContain(nextState('failed', trigger));
  }
});
