import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptDeflate,
  answerDeflate,
  DeflateNegotiationError,
  type DeflateOptions,
  type ExtensionElement,
  offerDeflate,
} from './index.ts';

/** As handshake parses it. */
function parse(header: string): ExtensionElement[] {
  return header.split(',').map((text) => {
    const [name = '', ...params] = text.split(';').map((part) => part.trim());
    return {
      name,
      params: params.map((param) => {
        const [key = '', value] = param.split('=');
        return [key, value ?? true] as const;
      }),
    };
  });
}

const plain = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

describe('a client offers', () => {
  test.each<[DeflateOptions, string]>([
    [{}, 'permessage-deflate; client_max_window_bits'],
    [{ clientMaxWindowBits: false }, 'permessage-deflate'],
    [{ clientMaxWindowBits: 8 }, 'permessage-deflate; client_max_window_bits=8'],
    [{ serverMaxWindowBits: 15 }, 'permessage-deflate; client_max_window_bits'],
    [
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 11,
      },
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11',
    ],
  ])('%j as %j', (options, header) => {
    expect(offerDeflate(options)).toBe(header);
  });
});

describe('a server answers', () => {
  const P = 'permessage-deflate';
  test.each<[string, DeflateOptions, string | undefined, Partial<typeof plain>]>([
    [P, {}, P, {}],
    [`${P}; client_max_window_bits`, {}, P, {}],
    [`${P}; client_max_window_bits=15`, {}, P, {}],
    // §7.1.1.1
    [`${P}; server_no_context_takeover`, {}, `${P}; server_no_context_takeover`, { serverNoContextTakeover: true }],
    [P, { serverNoContextTakeover: true }, `${P}; server_no_context_takeover`, { serverNoContextTakeover: true }],
    // §7.1.1.2
    [`${P}; client_no_context_takeover`, {}, `${P}; client_no_context_takeover`, { clientNoContextTakeover: true }],
    [P, { clientNoContextTakeover: true }, `${P}; client_no_context_takeover`, { clientNoContextTakeover: true }],
    // §7.1.2.1
    [`${P}; server_max_window_bits=8`, {}, `${P}; server_max_window_bits=8`, { serverMaxWindowBits: 8 }],
    [`${P}; server_max_window_bits=15`, {}, `${P}; server_max_window_bits=15`, {}],
    [
      `${P}; server_max_window_bits=12`,
      { serverMaxWindowBits: 10 },
      `${P}; server_max_window_bits=10`,
      { serverMaxWindowBits: 10 },
    ],
    [
      `${P}; server_max_window_bits=10`,
      { serverMaxWindowBits: 12 },
      `${P}; server_max_window_bits=10`,
      { serverMaxWindowBits: 10 },
    ],
    [P, { serverMaxWindowBits: 12 }, `${P}; server_max_window_bits=12`, { serverMaxWindowBits: 12 }],
    // §7.1.2.2
    [`${P}; client_max_window_bits=9`, {}, `${P}; client_max_window_bits=9`, { clientMaxWindowBits: 9 }],
    [
      `${P}; client_max_window_bits`,
      { clientMaxWindowBits: 10 },
      `${P}; client_max_window_bits=10`,
      { clientMaxWindowBits: 10 },
    ],
    [
      `${P}; client_max_window_bits=12`,
      { clientMaxWindowBits: 10 },
      `${P}; client_max_window_bits=10`,
      { clientMaxWindowBits: 10 },
    ],
    [`${P}; client_max_window_bits=9`, { clientMaxWindowBits: false }, P, { clientMaxWindowBits: 9 }],
    [P, { clientMaxWindowBits: 10 }, undefined, {}],
    // Fallback, in the client's order
    [
      `${P}, ${P}; client_max_window_bits`,
      { clientMaxWindowBits: 10 },
      `${P}; client_max_window_bits=10`,
      { clientMaxWindowBits: 10 },
    ],
    [
      `${P}; nonsense, ${P}; server_max_window_bits=9, ${P}`,
      {},
      `${P}; server_max_window_bits=9`,
      { serverMaxWindowBits: 9 },
    ],
    [`x-webkit-deflate-frame, ${P}`, {}, P, {}],
    ['x-webkit-deflate-frame', {}, undefined, {}],
    ['Permessage-Deflate', {}, undefined, {}],
  ])('%j with %j: %j', (offers, options, header, parameters) => {
    const answer = answerDeflate(parse(offers), options);
    expect(answer).toEqual(header === undefined ? undefined : { header, parameters: { ...plain, ...parameters } });
  });

  test('nothing to no offers', () => {
    expect(answerDeflate([])).toBeUndefined();
  });
});

/** Wrong in an offer and in an answer alike. */
const malformed: [string, string][] = [
  ['unknown', 'UNKNOWN_PARAMETER'],
  ['Server_No_Context_Takeover', 'UNKNOWN_PARAMETER'],
  ['server_no_context_takeover=', 'INVALID_VALUE'],
  ['server_no_context_takeover=1', 'INVALID_VALUE'],
  ['client_no_context_takeover=true', 'INVALID_VALUE'],
  ['server_no_context_takeover; server_no_context_takeover', 'REPEATED_PARAMETER'],
  ['client_no_context_takeover; client_no_context_takeover', 'REPEATED_PARAMETER'],
  ['server_max_window_bits=10; server_max_window_bits=10', 'REPEATED_PARAMETER'],
  ['client_max_window_bits=10; client_max_window_bits=9', 'REPEATED_PARAMETER'],
  ['server_max_window_bits', 'INVALID_VALUE'],
  ...[
    '',
    '0',
    '7',
    '16',
    '08',
    '010',
    '+9',
    '-9',
    '9.0',
    '9e0',
    '0x9',
    'nine',
    '10 ',
    '99999999999999999999',
    '９',
  ].flatMap((value): [string, string][] => [
    [`server_max_window_bits=${value}|`, 'INVALID_VALUE'],
    [`client_max_window_bits=${value}|`, 'INVALID_VALUE'],
  ]),
];

/** `|` keeps white space that the small parser above would trim. */
const element = (params: string): ExtensionElement => {
  const [{ name, params: parsed } = { name: '', params: [] }] = parse(`permessage-deflate; ${params}`);
  return { name, params: parsed.map(([key, value]) => [key, value === true ? true : value.replace('|', '')]) };
};

describe('malformed parameters', () => {
  test.each(malformed)('%j: a server declines that offer and takes the next', (params) => {
    expect(answerDeflate([element(params)])).toBeUndefined();
    expect(answerDeflate([element(params), ...parse('permessage-deflate')])?.header).toBe('permessage-deflate');
  });

  test.each(malformed)('%j: a client fails the connection with %s', (params, code) => {
    expect(() => acceptDeflate(element(params))).toThrow(expect.objectContaining({ code }));
    expect(() => acceptDeflate(element(params))).toThrow(DeflateNegotiationError);
  });
});

describe('a client accepts', () => {
  test.each<[string, DeflateOptions, Partial<typeof plain>]>([
    ['', {}, {}],
    ['server_no_context_takeover', {}, { serverNoContextTakeover: true }],
    ['client_no_context_takeover', {}, { clientNoContextTakeover: true }],
    ['', { clientNoContextTakeover: true }, { clientNoContextTakeover: true }],
    ['server_max_window_bits=8', {}, { serverMaxWindowBits: 8 }],
    ['server_max_window_bits=9', { serverMaxWindowBits: 10 }, { serverMaxWindowBits: 9 }],
    ['client_max_window_bits=8', {}, { clientMaxWindowBits: 8 }],
    ['client_max_window_bits=9', { clientMaxWindowBits: 10 }, { clientMaxWindowBits: 9 }],
    ['', { clientMaxWindowBits: 10 }, { clientMaxWindowBits: 10 }],
  ])('%j to %j', (params, options, parameters) => {
    const [answer] = parse(params === '' ? 'permessage-deflate' : `permessage-deflate; ${params}`);
    expect(acceptDeflate(answer!, options)).toEqual({ ...plain, ...parameters });
  });

  test.each<[string, DeflateOptions, string, string]>([
    ['other', {}, 'OTHER_EXTENSION', 'RFC 7692 §7'],
    ['permessage-deflate', { serverNoContextTakeover: true }, 'UNMET_TAKEOVER', 'RFC 7692 §7.1.1.1'],
    ['permessage-deflate', { serverMaxWindowBits: 10 }, 'UNMET_SERVER_WINDOW', 'RFC 7692 §7.1.2.1'],
    [
      'permessage-deflate; server_max_window_bits=11',
      { serverMaxWindowBits: 10 },
      'UNMET_SERVER_WINDOW',
      'RFC 7692 §7.1.2.1',
    ],
    [
      'permessage-deflate; client_max_window_bits=11',
      { clientMaxWindowBits: 10 },
      'UNMET_CLIENT_WINDOW',
      'RFC 7692 §7.1.2.2',
    ],
    [
      'permessage-deflate; client_max_window_bits=11',
      { clientMaxWindowBits: false },
      'UNOFFERED_PARAMETER',
      'RFC 7692 §7.1.2.2',
    ],
    ['permessage-deflate; client_max_window_bits', {}, 'INVALID_VALUE', 'RFC 7692 §7.1'],
  ])('not %j to %j: %s', (answer, options, code, section) => {
    expect(() => acceptDeflate(parse(answer)[0]!, options)).toThrow(expect.objectContaining({ code, section }));
  });
});

const anyBits = fc.option(fc.integer({ min: 8, max: 15 }), { nil: undefined });
const anyOptions: fc.Arbitrary<DeflateOptions> = fc
  .record({
    serverNoContextTakeover: fc.option(fc.boolean(), { nil: undefined }),
    clientNoContextTakeover: fc.option(fc.boolean(), { nil: undefined }),
    serverMaxWindowBits: anyBits,
    clientMaxWindowBits: fc.oneof(anyBits, fc.constant(false as const)),
  })
  .map((options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));

test('whatever two of us want, they agree on the same, and on no more than either wants, or on nothing', () => {
  fc.assert(
    fc.property(anyOptions, anyOptions, (clientWants, serverWants) => {
      const answer = answerDeflate(parse(offerDeflate(clientWants)), serverWants);
      if (answer === undefined) {
        expect([clientWants.clientMaxWindowBits, typeof serverWants.clientMaxWindowBits]).toEqual([false, 'number']);
        return;
      }
      const accepted = acceptDeflate(parse(answer.header)[0]!, clientWants);
      expect(accepted).toEqual(answer.parameters);
      for (const wants of [clientWants, serverWants]) {
        expect(accepted.serverMaxWindowBits).toBeLessThanOrEqual(wants.serverMaxWindowBits ?? 15);
        expect(accepted.clientMaxWindowBits).toBeLessThanOrEqual(wants.clientMaxWindowBits || 15);
        if (wants.serverNoContextTakeover) expect(accepted.serverNoContextTakeover).toBe(true);
        if (wants.clientNoContextTakeover) expect(accepted.clientNoContextTakeover).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

test('any answer is an agreement or a DeflateNegotiationError', () => {
  const names = [
    'server_no_context_takeover',
    'client_no_context_takeover',
    'server_max_window_bits',
    'client_max_window_bits',
  ];
  const value = fc.oneof(fc.constant(true as const), fc.integer({ min: 6, max: 17 }).map(String), fc.string());
  const params = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), value), { maxLength: 5 });
  fc.assert(
    fc.property(params, anyOptions, (list, options) => {
      try {
        acceptDeflate({ name: 'permessage-deflate', params: list }, options);
      } catch (error) {
        expect(error).toBeInstanceOf(DeflateNegotiationError);
      }
    }),
  );
});

test.each([7, 16, 8.5, Number.NaN, -9, Number.POSITIVE_INFINITY])('%d bits as an option are a RangeError', (bits) => {
  for (const options of [{ serverMaxWindowBits: bits }, { clientMaxWindowBits: bits }]) {
    expect(() => offerDeflate(options)).toThrow(RangeError);
    expect(() => answerDeflate([], options)).toThrow(RangeError);
    expect(() => acceptDeflate({ name: 'permessage-deflate', params: [] }, options)).toThrow(RangeError);
  }
});
