/**
 * The drawing of the house as a table: who may import whom. `check-layers.ts` holds every file against it.
 *
 *     apps/demo   packages/cli
 *        │    ╲    ╱   │
 *        │   transfer  │            transfer imports none of our packages
 *        ▼             ▼
 *            connection
 *            ╱        ╲
 *       handshake    frames         they do not know each other
 *
 *     conformance/ and bench/ stand beside the house: they may look into every room, nobody may look into them.
 */
export interface Layer {
  /** The folder from the root, with `/` between parts. */
  readonly folder: string;
  /** The name in its package.json. */
  readonly name: string;
  /** Our packages that its sources may import: the arrows that leave this box. */
  readonly mayImport: readonly string[];
  /** Our packages that only its tests may import, besides `@wsferry/testing`. */
  readonly testsMayImport?: readonly string[];
  /** May its sources depend on packages that are not ours? */
  readonly outsidePackages: boolean;
  /**
   * Sources that must run where there is no Node, a browser for one: files, or folders with a `/` at the end. They may
   * not import `node:*` nor use Node's globals, and of their own package only import each other and `except`ed files.
   */
  readonly withoutNode?: { readonly inside: readonly string[]; readonly except?: readonly string[] };
  /**
   * Rings inside a package, the inner first: a source may import its own ring and those further in. Sources that are not
   * named lie in the outermost.
   */
  readonly rings?: readonly (readonly string[])[];
  /** Does it need Node as a whole, so that no source without Node may import it? */
  readonly needsNode?: boolean;
  /** May it have other people's WebSocket implementations among its devDependencies? */
  readonly comparesWithOthers?: boolean;
}

export const layers: readonly Layer[] = [
  {
    folder: 'packages/frames',
    name: '@wsferry/frames',
    mayImport: [],
    outsidePackages: false,
    // RFC 7692 is node:zlib's.
    withoutNode: { inside: ['src/'], except: ['src/deflate/'] },
  },
  {
    folder: 'packages/handshake',
    name: '@wsferry/handshake',
    mayImport: [],
    outsidePackages: false,
    // key.ts needs SHA-1 and bearer-token.ts SHA-256, which browsers only have as promises.
    withoutNode: { inside: ['src/'], except: ['src/key.ts', 'src/bearer-token.ts', 'src/node/'] },
  },
  {
    folder: 'packages/connection',
    name: '@wsferry/connection',
    mayImport: ['@wsferry/frames', '@wsferry/handshake'],
    outsidePackages: false,
    withoutNode: {
      inside: [
        'src/protocol.ts',
        'src/protocol-options.ts',
        'src/given-away.ts',
        'src/incoming.ts',
        'src/outgoing.ts',
        'src/frame-writer.ts',
        'src/frame-memory.ts',
        'src/transitions.ts',
        'src/errors.ts',
      ],
    },
    needsNode: true,
  },
  {
    folder: 'packages/transfer',
    name: '@wsferry/transfer',
    mayImport: [],
    // The compliance suite also runs over a real connection.
    testsMayImport: ['@wsferry/connection'],
    outsidePackages: true,
    withoutNode: { inside: ['src/'], except: ['src/node/'] },
    rings: [
      // packets: types, encode, parse
      [
        'src/codes.ts',
        'src/errors.ts',
        'src/peer-error.ts',
        'src/safe-name.ts',
        'src/packets.ts',
        'src/request-packets.ts',
        'src/digest.ts',
        'src/encode.ts',
        'src/parse.ts',
      ],
      // machines: packet in, actions out; and the shapes of what drivers bring
      ['src/states.ts', 'src/ports.ts', 'src/pauses.ts', 'src/send-machine.ts', 'src/receive-machine.ts'],
      // drivers: everything else
    ],
  },
  {
    folder: 'packages/cli',
    name: '@wsferry/cli',
    mayImport: ['@wsferry/connection', '@wsferry/transfer'],
    outsidePackages: true,
  },
  {
    folder: 'apps/demo',
    name: '@wsferry/demo',
    mayImport: ['@wsferry/connection', '@wsferry/transfer', '@wsferry/frames'],
    outsidePackages: true,
    withoutNode: { inside: ['page/'] },
  },
  {
    folder: 'conformance',
    name: '@wsferry/conformance',
    // The shell only as the program that it is, in processes of its own.
    mayImport: ['@wsferry/cli', '@wsferry/connection', '@wsferry/transfer', '@wsferry/frames', '@wsferry/handshake'],
    outsidePackages: true,
    comparesWithOthers: true,
  },
  {
    folder: 'bench',
    name: '@wsferry/bench',
    mayImport: ['@wsferry/connection', '@wsferry/transfer', '@wsferry/frames', '@wsferry/handshake'],
    outsidePackages: true,
    comparesWithOthers: true,
  },
  { folder: 'testing', name: '@wsferry/testing', mayImport: [], outsidePackages: true },
];

/** Our package that every layer's tests may import, and no sources. */
export const testingPackage = '@wsferry/testing';

/** Tools from the root package.json that every test may import without naming them again. */
export const testTools: readonly string[] = ['vitest', 'fast-check'];

/** Other people's WebSocket implementations: to compare with, never to build on. */
export const webSocketLibraries: readonly string[] = [
  'ws',
  'undici',
  'websocket',
  'websocket-driver',
  'websocket-stream',
  'isomorphic-ws',
  'faye-websocket',
  'uWebSockets.js',
  'socket.io',
  'socket.io-client',
  'engine.io',
  'engine.io-client',
  'sockjs',
  'sockjs-client',
  'bufferutil',
  'utf-8-validate',
];
