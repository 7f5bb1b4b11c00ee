import type { EchoJob } from './load/echo.ts';
import type { ConnectJob, PushJob } from './load/other-jobs.ts';
import type { PeerName } from './peers.ts';

/** What a ratio of ours to a peer's has to reach. */
export type Targets = Readonly<Partial<Record<string, number>>>;

export interface WorkloadBase {
  readonly name: string;
  readonly title: string;
  /** Of the absolute figure. A `B` is memory: there less is better, and the ratio is theirs to ours. */
  readonly unit: 'msg/s' | 'conn/s' | 'MB/s' | 'files/s' | 'B';
  readonly targets: Targets;
  /** Also with a server on `node:net` that does nothing but answer the upgrade: what is left once all of ours is gone. */
  readonly showsFloor?: boolean;
}

/** What is measured with a server of each peer, or a client of each, and our load at the other end. */
export type MessageWorkload = WorkloadBase &
  (
    | { readonly job: EchoJob | ConnectJob | PushJob }
    | { readonly job: { readonly kind: 'idle'; readonly connections: number; readonly deflate?: boolean } }
    | { readonly job: { readonly kind: 'send'; readonly bytes: number } }
  );

const KIB = 1024;

function echo(
  name: string,
  title: string,
  job: Omit<EchoJob, 'kind'>,
  targets: Partial<Record<PeerName, number>>,
): MessageWorkload {
  return { name, title, unit: 'msg/s', targets, job: { kind: 'echo', ...job } };
}

export const MESSAGE_WORKLOADS: readonly MessageWorkload[] = [
  echo(
    'echo-64-1x256',
    'echo 64 B, 1 connection, 256 in flight',
    { payload: 'binary', bytes: 64, connections: 1, inFlight: 256 },
    { ws: 8, bun: 0.7 },
  ),
  echo(
    'echo-64-100x64',
    'echo 64 B, 100 connections × 64 in flight',
    { payload: 'binary', bytes: 64, connections: 100, inFlight: 64 },
    { ws: 10, bun: 0.7 },
  ),
  echo(
    'echo-64-100x1',
    'echo 64 B, 100 connections × 1 in flight',
    { payload: 'binary', bytes: 64, connections: 100, inFlight: 1 },
    { ws: 1.2, bun: 0.65 },
  ),
  echo(
    'echo-1k',
    'echo 1 KiB, 8 × 16',
    { payload: 'binary', bytes: KIB, connections: 8, inFlight: 16 },
    { ws: 5, bun: 0.6 },
  ),
  echo(
    'echo-text-4k',
    'echo text 4 KiB with non-ASCII, 8 × 16',
    { payload: 'text', bytes: 4 * KIB, connections: 8, inFlight: 16 },
    { ws: 2, bun: 1.5 },
  ),
  echo(
    'echo-strings-4k',
    'the same, text made into strings by every server',
    { payload: 'text', bytes: 4 * KIB, connections: 8, inFlight: 16, strings: true },
    {},
  ),
  echo(
    'echo-64k',
    'echo 64 KiB, 4 × 8',
    { payload: 'binary', bytes: 64 * KIB, connections: 4, inFlight: 8 },
    { ws: 1.2, bun: 1 },
  ),
  echo(
    'echo-1m',
    'echo 1 MiB, 2 × 2',
    { payload: 'binary', bytes: KIB * KIB, connections: 2, inFlight: 2 },
    { ws: 1.1, bun: 1 },
  ),
  {
    name: 'connect',
    title: 'new connections',
    unit: 'conn/s',
    targets: { ws: 1.4, bun: 0.5 },
    showsFloor: true,
    job: { kind: 'connect', inFlight: 32 },
  },
  {
    name: 'idle',
    title: 'memory per idle connection',
    unit: 'B',
    targets: { ws: 2.5 },
    showsFloor: true,
    job: { kind: 'idle', connections: 4000 },
  },
  {
    name: 'send-64k',
    title: 'client sending masked 64 KiB to a sink',
    unit: 'MB/s',
    targets: { ws: 1.3 },
    job: { kind: 'send', bytes: 64 * KIB },
  },
  {
    name: 'send-1m',
    title: 'client sending masked 1 MiB to a sink',
    unit: 'MB/s',
    targets: { ws: 1.3 },
    job: { kind: 'send', bytes: KIB * KIB },
  },
  echo(
    'deflate-4k',
    'echo 4 KiB JSON, permessage-deflate, context takeover, 8 × 16',
    { payload: 'json', bytes: 4 * KIB, connections: 8, inFlight: 16, deflate: true },
    { ws: 2 },
  ),
  {
    name: 'deflate-memory',
    title: 'memory per connection with deflate active',
    unit: 'B',
    targets: { ws: 4 },
    job: { kind: 'idle', connections: 300, deflate: true },
  },
  {
    name: 'push',
    title: 'one 200 B message to 1,000 connections',
    unit: 'msg/s',
    targets: { ws: 3, bun: 0.6 },
    job: { kind: 'push', bytes: 200, connections: 1000, inFlight: 4 },
  },
];

/** Files, from one tmpfs folder to another, by two processes on loopback. They are run by files/. */
export interface FileWorkload extends WorkloadBase {
  readonly job: { readonly kind: 'file' | 'small-files' | 'digest' | 'long-line' | 'huge' };
}

export const FILE_WORKLOADS: readonly FileWorkload[] = [
  {
    name: 'file',
    title: 'one file, whole command, checked by md5 on both ends',
    unit: 'MB/s',
    targets: { 'ws + streams': 2, scp: 2, 'rsync -W': 1.2, tus: 2.5, md5sum: 0.55 },
    job: { kind: 'file' },
  },
  {
    name: 'file-sha256',
    title: 'one file with sha256 agreed',
    unit: 'MB/s',
    targets: { 'wsferry md5': 1.5 },
    job: { kind: 'digest' },
  },
  {
    name: 'small-files',
    title: 'files of 4 KiB, whole command',
    unit: 'files/s',
    targets: { 'scp -r': 5 },
    job: { kind: 'small-files' },
  },
  {
    name: 'long-line',
    title: 'a file over a line of 50 MB/s and 40 ms',
    unit: 'MB/s',
    targets: { 'raw TCP': 0.95 },
    job: { kind: 'long-line' },
  },
  {
    name: 'huge',
    title: 'peak memory of the larger process, one huge file',
    unit: 'B',
    targets: { 'the limit of 120 MB': 1 },
    job: { kind: 'huge' },
  },
];
