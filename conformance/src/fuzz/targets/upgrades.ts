import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { acceptKey, parseRequestHead, parseResponseHead } from '@wsferry/handshake';
import { acceptUpgrade, requestUpgrade } from '@wsferry/handshake/node';
import { fingerprint, fromLatin1, join, latin1 } from '../bytes.ts';
import { requestCode, responseCode } from '../documented.ts';
import { invariant, type Target } from '../target.ts';
import { validRequest, validResponse } from './heads.ts';

/** A socket of which we are both ends: what the handshake writes is kept, what it reads comes from the input. */
class FakeSocket extends Duplex {
  readonly written: Uint8Array[] = [];
  readonly connecting = false;
  onWritten: (() => void) | undefined;

  constructor() {
    super({ autoDestroy: true, allowHalfOpen: true });
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    this.onWritten?.();
    done();
  }

  bring(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) if (piece.length > 0 && !this.destroyed) this.push(piece);
    if (!this.destroyed) this.push(null);
  }
}

const LIMITS = { maxLineBytes: 400, maxHeaders: 20, maxHeadBytes: 1500 };
const TIMEOUT_MS = 60_000;

/** What is left for frames: the bytes behind the head and those still in the stream. */
async function restOf(socket: Duplex, rest: Uint8Array): Promise<string> {
  const chunks: Uint8Array[] = [rest];
  for await (const chunk of socket) chunks.push(chunk as Uint8Array);
  return fingerprint(join(...chunks));
}

export const acceptUpgrades: Target = {
  name: 'accept-upgrade',
  title: 'acceptUpgrade on a socket that brings these pieces',
  share: 3,
  valid: validRequest,
  async play(pieces) {
    const socket = new FakeSocket();
    const accepting = acceptUpgrade(socket as unknown as Socket, { limits: LIMITS }, { timeoutMs: TIMEOUT_MS });
    socket.bring(pieces);
    let verdict: string;
    try {
      const upgraded = await accepting;
      verdict = `upgraded ${await restOf(socket, upgraded!.rest)}`;
    } catch (error) {
      verdict = requestCode(error);
    }
    const answer = join(...socket.written);
    const status = answer.length === 0 ? 'no answer' : parseResponseHead(answer)!.head.status;
    invariant((status === 101) === verdict.startsWith('upgraded'), 'expected a 101 for an upgrade and nothing else');
    socket.destroy();
    return `${verdict} ${status}`;
  },
};

/** Stands in valid traffic where the answer to the request's key belongs, which nobody knows before. */
const ACCEPT_HERE = acceptKey('here');

export const requestUpgrades: Target = {
  name: 'request-upgrade',
  title: 'requestUpgrade on a socket that answers these pieces',
  share: 3,
  valid: (random) => validResponse(random, ACCEPT_HERE),
  async play(pieces) {
    const socket = new FakeSocket();
    socket.onWritten = () => {
      const request = parseRequestHead(join(...socket.written));
      if (request === undefined) return;
      const key = request.head.headers.find(([name]) => name === 'Sec-WebSocket-Key')![1];
      const text = fromLatin1(join(...pieces)).replace(ACCEPT_HERE, acceptKey(key));
      let at = 0;
      const answer = pieces.map(({ length }) => {
        at += length;
        return latin1(text.slice(at - length, at));
      });
      queueMicrotask(() => socket.bring(answer));
    };
    let verdict: string;
    try {
      const upgraded = await requestUpgrade(socket as unknown as Socket, {
        url: new URL('ws://example.com/chat'),
        protocols: ['wsferry.v1', 'chat'],
        extensions: 'permessage-deflate; client_max_window_bits',
        limits: LIMITS,
        timeoutMs: TIMEOUT_MS,
      });
      verdict = `upgraded ${JSON.stringify(upgraded.accepted)} ${await restOf(socket, upgraded.rest)}`;
    } catch (error) {
      verdict = responseCode(error);
    }
    socket.destroy();
    return verdict;
  },
};
