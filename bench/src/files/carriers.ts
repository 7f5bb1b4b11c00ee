import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { packageVersion } from '../peers.ts';
import { nodeProgram, Program, shellProgram } from '../programs.ts';
import { findProgram } from './command.ts';

/** Somebody who takes files into a folder. */
export interface Receiving {
  /** The command that sends files there. */
  send(paths: readonly string[]): readonly string[];
  /** Of the receiving process, or of the one whose children receive; 0 when there is none to look at. */
  readonly pid: number;
  /** It has a child for each connection: what it holds itself says nothing. */
  readonly forks?: boolean;
  stop(): Promise<void>;
}

/** A way to carry a file from one folder to another. */
export interface Carrier {
  readonly name: string;
  readonly absent?: string;
  /** It only reads the file: nothing arrives. */
  readonly readsOnly?: boolean;
  version?(): Promise<string>;
  /** `folder` is for what it needs itself, `dir` for what arrives. */
  start(folder: string, dir: string): Promise<Receiving>;
}

/** Our shell as it is installed, both ends. */
export const wsferry: Carrier = {
  name: 'wsferry',
  async start(_folder, dir) {
    const program = new Program(shellProgram(['serve', '--port', '0', '--dir', dir, '--json']));
    const { url } = await program.next<{ url: string }>();
    program.child.stdout!.resume();
    return {
      send: (paths) => shellProgram(['send', ...paths, '--to', url, '--quiet']),
      pid: program.pid,
      stop: () => program.stop('SIGINT'),
    };
  },
};

/** The obvious program on ws: fs streams, md5 on both ends. */
export const wsStreams: Carrier = {
  name: 'ws + streams',
  async start(_folder, dir) {
    const program = new Program(nodeProgram('files/ws-receive', [dir]));
    const { port } = await program.next<{ port: number }>();
    return {
      send: ([path]) => nodeProgram('files/ws-send', [`ws://127.0.0.1:${port}/`, path!]),
      pid: program.pid,
      stop: () => program.stop(),
    };
  },
};

export const tus: Carrier = {
  name: 'tus',
  version: async () => `tus-js-client ${packageVersion('tus-js-client')}, @tus/server ${packageVersion('@tus/server')}`,
  async start(_folder, dir) {
    const program = new Program(nodeProgram('files/tus-receive', [dir]));
    const { port } = await program.next<{ port: number }>();
    return {
      send: ([path]) => nodeProgram('files/tus-send', [`http://127.0.0.1:${port}/files`, path!]),
      pid: program.pid,
      stop: () => program.stop(),
    };
  },
};

/** Reads and hashes once: what no one who checks an md5 can beat on one core. */
export const md5sum: Carrier = {
  name: 'md5sum',
  readsOnly: true,
  ...(!findProgram('md5sum') && { absent: 'md5sum not installed' }),
  version: async () => (await promisify(execFile)('md5sum', ['--version'])).stdout.split('\n')[0]!,
  start: async () => ({ send: (paths) => ['md5sum', ...paths], pid: 0, stop: async () => {} }),
};
