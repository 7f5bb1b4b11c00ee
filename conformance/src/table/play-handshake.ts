import type { Socket } from 'node:net';
import { connectEcho } from '../autobahn-client.ts';
import { parseAgreement } from './peer/deflate.ts';
import { describeHeard, hexOf } from './peer/describe.ts';
import { acceptOf, requestText, valuesOf } from './peer/http.ts';
import { type Delivery, Peer, pieces } from './peer/peer.ts';
import { frameBytes } from './peer/wire.ts';
import { type AnswerRow, frame, type RequestRow, type WantedHeader } from './row.ts';
import type { Failure } from './run.ts';
import { answerTcp, receiveHead, type Stage } from './stage.ts';

/** Sends one request to our server and judges the answer. */
export async function playRequest(row: RequestRow, delivery: Delivery, stage: Stage): Promise<Failure | undefined> {
  const request = typeof row.request === 'string' ? Buffer.from(row.request, 'latin1') : Buffer.from(row.request);
  const behind = row.status === 101 ? greeting(true) : Buffer.from(row.followed === false ? '' : requestText());
  const socket = await stage.dial(row.options ?? {});
  const sent = Buffer.concat([request, behind]);
  const fail = (expected: string, came: string): Failure => ({ delivery, sent: shownHead(request), expected, came });
  try {
    const heard = hearAll(socket);
    const writing = write(socket, sent, delivery);
    const head = await heard.head;
    await writing;
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head.line)?.[1]);
    if (status !== row.status) return fail(`status ${row.status}`, head.line);
    const wanted = { ...(status === 101 ? switched(row) : refused), ...row.headers };
    for (const [name, value] of Object.entries(wanted)) {
      const values = valuesOf(head, name);
      const wrong = judgeHeader(values, value);
      if (wrong !== undefined) return fail(`${name}: ${wrong}`, `${name}: ${values.join(' | ') || '(absent)'}`);
    }
    const rest = await heard.rest;
    if (status === 101) {
      const [extensions] = valuesOf(head, 'Sec-WebSocket-Extensions');
      const peer = new Peer(socket, 'server', extensions === undefined ? undefined : parseAgreement(extensions));
      peer.feed(rest);
      const came = [...peer.events.map(describeHeard), ...peer.problems].join(', ');
      return came === 'text "good", Close 1000 ""' ? undefined : fail('text "good", Close 1000', came);
    }
    const length = Number(valuesOf(head, 'Content-Length')[0] ?? 0);
    return rest.length === length
      ? undefined
      : fail(`one answer, ${length} bytes of body`, `${rest.length} bytes: ${rest}`);
  } catch (error) {
    return fail(`status ${row.status}, then TCP's end`, (error as Error).message);
  } finally {
    socket.destroy();
  }
}

/** What was wanted of a header, when its values are not that. */
function judgeHeader(values: readonly string[], wanted: WantedHeader): string | undefined {
  if (wanted === undefined) return values.length === 0 ? undefined : '(absent)';
  const [value] = values;
  if (value === undefined || values.length > 1) return 'once';
  if (typeof wanted === 'function') return wanted(value);
  const fits = typeof wanted === 'string' ? value === wanted : wanted.test(value);
  return fits ? undefined : String(wanted);
}

/** A 101 says exactly this (§4.2.2 item 5). */
function switched(row: RequestRow): NonNullable<RequestRow['headers']> {
  const key = /^sec-websocket-key[ \t]*:[ \t]*([^\r]*?)[ \t]*\r/im.exec(String(row.request))?.[1] ?? '';
  return {
    Upgrade: /^websocket$/i,
    Connection: /^upgrade$/i,
    'Sec-WebSocket-Accept': acceptOf(key),
    'Sec-WebSocket-Protocol': undefined,
    'Sec-WebSocket-Extensions': undefined,
    'Content-Length': undefined,
    'Transfer-Encoding': undefined,
  };
}

/** A refusal ends the connection and has an end of its own (RFC 7230 §6.6). */
const refused: NonNullable<RequestRow['headers']> = {
  Connection: /(?:^|[ ,])close(?:$|[ ,])/i,
  'Content-Length': /^\d+$/,
  'Sec-WebSocket-Accept': undefined,
};

/** Answers our client's request and sees what it makes of it. */
export async function playAnswer(row: AnswerRow, delivery: Delivery): Promise<Failure | undefined> {
  let url = new URL('ws://127.0.0.1/');
  const { socket, opened } = await answerTcp((port) => {
    url = new URL(`ws://127.0.0.1:${port}${row.path ?? '/'}`);
    const connecting = connectEcho(url.href, { handshakeTimeoutMs: 5000, ...row.options });
    return connecting.then(
      (connection) => ({ connection, error: undefined }),
      (error: Error & { code?: string }) => ({ connection: undefined, error }),
    );
  });
  let shown = '(nothing)';
  const fail = (expected: string, came: string): Failure => ({ delivery, sent: shown, expected, came });
  try {
    const { head, rest } = await receiveHead(socket);
    if (rest.length > 0) return fail('nothing behind the request', hexOf(rest));
    const wrong = row.request?.(head, url);
    if (wrong !== undefined) return fail(`a request by ${row.clause}`, wrong);
    const answer = Buffer.from(row.answer(valuesOf(head, 'Sec-WebSocket-Key')[0] ?? '', head) as string, 'latin1');
    shown = shownHead(answer);
    const sent = row.outcome === 'opens' ? Buffer.concat([answer, greeting(false)]) : answer;
    const [, extensions] = /^sec-websocket-extensions: *([^\r]*)/im.exec(sent.toString('latin1')) ?? [];
    const opens = row.outcome === 'opens' && extensions !== undefined;
    const peer = new Peer(socket, 'client', opens ? parseAgreement(extensions) : undefined);
    const writing = write(socket, sent, delivery).then(() => row.thenEnds && socket.end());
    if (row.outcome === 'opens') {
      await peer.until(() => peer.close !== undefined);
      await writing;
      const came = peer.events.map(({ type }) => type).join(', ');
      socket.end();
      const { error } = await opened;
      if (error) return fail('an open connection', `${error.code}: ${error.message}`);
      return came === 'text, close' && peer.problems.length === 0
        ? undefined
        : fail('the echo and a Close', [came, ...peer.problems].join(', '));
    }
    const { connection, error } = await opened;
    connection?.abort();
    await peer.until(() => false); // to TCP's end
    if (!error) return fail(row.outcome.error || 'a failed handshake', 'an open connection');
    if (row.outcome.error !== '' && error.code !== row.outcome.error)
      return fail(row.outcome.error, `${error.code}: ${error.message}`);
    if (peer.heardBytes > 0) return fail('nothing sent', `${peer.heardBytes} bytes`);
    if (!peer.ended && peer.lost === undefined) return fail('TCP ended by the client', 'TCP still open');
    return undefined;
  } catch (error) {
    return fail('a handshake', (error as Error).message);
  } finally {
    socket.destroy();
    (await opened).connection?.abort();
  }
}

/** What shows that a connection works: a message, and a Close. */
const greeting = (masked: boolean): Buffer =>
  Buffer.concat([frameBytes(frame.text('good'), masked), frameBytes(frame.close(1000), masked)]);

async function write(socket: Socket, bytes: Buffer, delivery: Delivery): Promise<void> {
  let over = false;
  socket.once('end', () => {
    over = true;
  });
  for (const piece of pieces(bytes, delivery)) {
    if (over || !socket.writable) return;
    socket.write(piece);
    if (piece !== bytes) await new Promise(setImmediate);
  }
}

/** The head, and everything behind it up to TCP's end. */
function hearAll(socket: Socket): {
  head: ReturnType<typeof receiveHead> extends Promise<{ head: infer H }> ? Promise<H> : never;
  rest: Promise<Buffer>;
} {
  const received = receiveHead(socket);
  const rest = received.then(
    ({ rest }) =>
      new Promise<Buffer>((resolve, reject) => {
        const chunks = [rest];
        const timer = setTimeout(() => reject(new Error('TCP was not ended')), 5000);
        const settle = (run: () => void) => {
          clearTimeout(timer);
          run();
        };
        socket.on('data', (chunk: Buffer) => chunks.push(chunk));
        socket.on('end', () => settle(() => resolve(Buffer.concat(chunks))));
        socket.on('error', (error) => settle(() => reject(error)));
      }),
  );
  rest.catch(() => {}); // whoever only wants the head does not wait for it
  return { head: received.then(({ head }) => head), rest };
}

/** A head as text, its line ends shown. */
function shownHead(bytes: Buffer): string {
  const textual = bytes.toString('latin1').replace(/\r\n|[^\x20-\x7e]/g, (c) => {
    if (c === '\r\n') return '⏎ ';
    return c === '\r' ? '␍' : c === '\n' ? '␊' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return textual.length > 600 ? `${textual.slice(0, 400)} … (${bytes.length} bytes)` : textual;
}
