/** What is timed inside the sending program, from connecting to stored: these compare with each other, not with commands. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuSecondsOf } from '../process-facts.ts';
import { nodeProgram, Program } from '../programs.ts';
import type { Participant, Round } from '../results.ts';

/** 20 ms each way. */
const ONE_WAY_MS = 20;
const LINE_BYTES_PER_SECOND = 50e6;

/** Ours with sha256, and with md5. */
export async function ourDigests(folder: string, path: string, bytes: number, rounds: number): Promise<Participant[]> {
  const measured = { sha256: [] as Round[], md5: [] as Round[] };
  const straight: Way = (port) => Promise.resolve(port);
  for (let round = 0; round < rounds; round++) {
    for (const digest of ['sha256', 'md5'] as const) {
      measured[digest].push(await sendOurs(folder, path, bytes, straight, digest));
    }
  }
  return [
    { name: 'wsferry sha256', rounds: measured.sha256 },
    { name: 'wsferry md5', rounds: measured.md5 },
  ];
}

/** Ours, and one plain TCP stream, through the same relay. */
export async function longLine(folder: string, path: string, bytes: number, rounds: number): Promise<Participant[]> {
  const ours: Round[] = [];
  const raw: Round[] = [];
  const running: Program[] = [];
  const relayTo = async (port: number) => {
    const args = [port, LINE_BYTES_PER_SECOND, ONE_WAY_MS].map(String);
    const relay = new Program(nodeProgram('files/relay', args));
    running.push(relay);
    return (await relay.next<{ port: number }>()).port;
  };
  try {
    for (let round = 0; round < rounds; round++) {
      ours.push(await sendOurs(folder, path, bytes, relayTo));
      raw.push(await sendRaw(bytes, relayTo));
      await Promise.all(running.splice(0).map((program) => program.stop()));
    }
  } finally {
    await Promise.all(running.map((program) => program.stop()));
  }
  return [
    { name: 'wsferry', rounds: ours },
    { name: 'raw TCP', rounds: raw },
  ];
}

type Way = (port: number) => Promise<number>;

async function sendOurs(folder: string, path: string, bytes: number, way: Way, digest = 'md5'): Promise<Round> {
  const dir = join(folder, 'arrived');
  await mkdir(dir);
  const receiver = new Program(nodeProgram('files/ours-receive', [dir]));
  try {
    const port = await way((await receiver.next<{ port: number }>()).port);
    const send = nodeProgram('files/ours-send', [`ws://127.0.0.1:${port}/`, path, digest]);
    return await roundOf(send, receiver, bytes);
  } finally {
    await receiver.stop();
    await rm(dir, { recursive: true });
  }
}

async function sendRaw(bytes: number, way: Way): Promise<Round> {
  const receiver = new Program(nodeProgram('files/tcp-stream', ['receive', String(bytes)]));
  try {
    const port = await way((await receiver.next<{ port: number }>()).port);
    return await roundOf(nodeProgram('files/tcp-stream', ['send', String(bytes), String(port)]), receiver, bytes);
  } finally {
    await receiver.stop();
  }
}

/** Sends to a receiver that waits. */
async function roundOf(send: readonly string[], receiver: Program, bytes: number): Promise<Round> {
  const before = cpuSecondsOf(receiver.pid);
  const sender = new Program(send);
  try {
    const { seconds, cpuSeconds } = await sender.next<{ seconds: number; cpuSeconds: number }>();
    const receiverCpuSeconds = cpuSecondsOf(receiver.pid) - before;
    return { value: bytes / 1e6 / seconds, senderCpuSeconds: cpuSeconds, receiverCpuSeconds };
  } finally {
    await sender.stop();
  }
}
