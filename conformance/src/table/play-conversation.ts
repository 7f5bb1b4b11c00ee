import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Connection, ConnectOptions } from '@wsferry/connection';
import { connectEcho } from '../autobahn-client.ts';
import { type Agreement, parseAgreement } from './peer/deflate.ts';
import { describeHeard, hexOf } from './peer/describe.ts';
import { acceptOf, answerText, type HeardHead, requestText, valuesOf } from './peer/http.ts';
import { type Delivery, Peer, type Role } from './peer/peer.ts';
import { frameBytes } from './peer/wire.ts';
import type { ConversationRow, Sent } from './row.ts';
import type { Failure } from './run.ts';
import { answerTcp, receiveHead, type Stage } from './stage.ts';

/** Plays a conversation once; gives what was wrong, if anything was. */
export async function playConversation(
  row: ConversationRow,
  role: Role,
  delivery: Delivery,
  stage: Stage,
): Promise<Failure | undefined> {
  const segments = cutIntoSegments(row.send, role === 'server');
  const early = delivery === 'with the head' ? segments[0]!.bytes : Buffer.alloc(0);
  const opened = role === 'server' ? await openToServer(row, early, stage) : await openToClient(row, early);
  const { peer } = opened;
  if (early.length > 0) peer.sent.push(early);
  const timeoutMs = row.timeoutMs ?? 5000;
  try {
    for (const [index, { bytes, heard, end }] of segments.entries()) {
      if (index > 0 || early.length === 0) await peer.write(bytes, early.length > 0 ? 'in one write' : delivery);
      if (end) peer.socket.end();
      if (heard > 0 && !(await peer.until(() => peer.events.length >= heard, timeoutMs))) break;
    }
    const waits = role === 'client' && row.fails !== true && row.close !== undefined; // §7.1.1: for us to end TCP
    await peer.until(() => peer.ended || (waits && peer.close !== undefined), timeoutMs);
    if (waits) for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    const endedItself = peer.ended;
    peer.socket.end();
    await peer.until(() => peer.ended, timeoutMs);
    return judge(row, role, delivery, peer, waits ? endedItself : !endedItself);
  } finally {
    peer.socket.destroy();
    await opened.stop();
  }
}

function judge(
  row: ConversationRow,
  role: Role,
  delivery: Delivery,
  peer: Peer,
  wrongSideEnded: boolean,
): Failure | undefined {
  const expected = row.answers.map(describeHeard);
  expected.push(row.close === undefined ? 'no Close' : describeHeard({ type: 'close', code: row.close }));
  const came = peer.events.filter(({ type }) => type !== 'close').map(describeHeard);
  const { close } = peer;
  came.push(close ? describeHeard({ type: 'close', code: close.code }) : 'no Close');
  const problems = [...peer.problems];
  if (peer.lost !== undefined) problems.push(`TCP broke: ${peer.lost}`);
  else if (!peer.ended) problems.push('TCP was never ended');
  else if (wrongSideEnded) {
    const who = role === 'client' ? 'the client ended TCP and did not wait' : 'TCP was not ended first';
    problems.push(`${who} (§7.1.1)`);
  }
  const further = row.check?.(peer, role);
  if (further !== undefined) problems.push(further);
  if (problems.length === 0 && came.join('\n') === expected.join('\n')) return undefined;
  return {
    delivery,
    sent: hexOf(Buffer.concat(peer.sent)),
    expected: expected.join(', '),
    came: [...came, ...problems].join(', '),
  };
}

interface Segment {
  bytes: Buffer;
  /** Wait until so many have come back. */
  heard: number;
  end: boolean;
}

function cutIntoSegments(send: readonly Sent[], masked: boolean): Segment[] {
  const segments: Segment[] = [];
  let parts: Buffer[] = [];
  const keys = new Map<object, Buffer>();
  const finish = (heard: number, end: boolean) => {
    segments.push({ bytes: Buffer.concat(parts), heard, end });
    parts = [];
  };
  for (const one of send) {
    if (one instanceof Uint8Array) parts.push(Buffer.from(one));
    else if ('heard' in one) finish(one.heard, false);
    else if ('end' in one) finish(0, true);
    else if ('frame' in one) {
      const maskingKey = keys.get(one.frame) ?? randomBytes(4);
      keys.set(one.frame, maskingKey);
      const bytes = frameBytes({ maskingKey, ...one.frame }, masked);
      const headBytes = bytes.length - Buffer.from(one.frame.payload ?? '').length;
      parts.push(bytes.subarray(one.from === 0 ? 0 : headBytes + one.from, headBytes + one.to));
    } else parts.push(frameBytes(one, masked));
  }
  if (parts.length > 0 || segments.length === 0) finish(0, false);
  return segments;
}

interface Opened {
  readonly peer: Peer;
  readonly stop: () => unknown;
}

async function openToServer(row: ConversationRow, early: Buffer, stage: Stage): Promise<Opened> {
  const { socket, stop } = row.act
    ? await stage.dialActor(row.options ?? {}, row.act)
    : { socket: await stage.dial(row.options ?? {}), stop: () => {} };
  try {
    const key = randomBytes(16).toString('base64');
    const change = { 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Extensions': row.extensions?.offer };
    socket.write(Buffer.concat([Buffer.from(requestText({ change })), early]));
    const { head, rest } = await receiveHead(socket);
    checkSwitched(head, key);
    return { peer: peerOn(socket, rest, 'server', valuesOf(head, 'Sec-WebSocket-Extensions')[0]), stop };
  } catch (error) {
    socket.destroy();
    await stop();
    throw error;
  }
}

function checkSwitched(head: HeardHead, key: string): void {
  const accept = valuesOf(head, 'Sec-WebSocket-Accept');
  if (!head.line.startsWith('HTTP/1.1 101 ')) throw new Error(`expected a 101, got ${head.line}`);
  if (accept.length !== 1 || accept[0] !== acceptOf(key)) throw new Error(`expected the accept key, got ${accept}`);
}

async function openToClient(row: ConversationRow, early: Buffer): Promise<Opened> {
  const options: ConnectOptions = { closeTimeoutMs: 5000, ...row.options };
  const { socket, opened } = await answerTcp((port) => connectEcho(`ws://127.0.0.1:${port}/`, options));
  try {
    const { head } = await receiveHead(socket);
    const [key = ''] = valuesOf(head, 'Sec-WebSocket-Key');
    const answer = answerText(key, { change: { 'Sec-WebSocket-Extensions': row.extensions?.answer } });
    const peer = peerOn(socket, Buffer.alloc(0), 'client', row.extensions?.answer);
    socket.write(Buffer.concat([Buffer.from(answer), early]));
    const connection: Connection = await opened;
    row.act?.(connection);
    return { peer, stop: () => connection.closed };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function peerOn(socket: Socket, rest: Buffer, endpoint: Role, answer: string | undefined): Peer {
  const agreement: Agreement | undefined = answer === undefined ? undefined : parseAgreement(answer);
  const peer = new Peer(socket, endpoint, agreement);
  if (rest.length > 0) peer.feed(rest);
  return peer;
}
