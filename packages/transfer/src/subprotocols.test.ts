import fc from 'fast-check';
import { expect, test } from 'vitest';
import { offeredSubprotocols, SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from './index.ts';

test('without a token only the protocol itself is offered', () => {
  expect(offeredSubprotocols()).toEqual([SUBPROTOCOL]);
});

test('any token is offered as a subprotocol that HTTP can carry, and can be read back', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (text) => {
      // TextEncoder cannot write half of a surrogate pair.
      const token = Buffer.from(text).toString();
      const [first, second = '', ...more] = offeredSubprotocols(token);
      expect([first, more]).toEqual([SUBPROTOCOL, []]);
      expect(second).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
      expect(Buffer.from(second.slice(TOKEN_SUBPROTOCOL_PREFIX.length), 'base64url').toString()).toBe(token);
    }),
  );
});
