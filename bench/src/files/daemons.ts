import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Carrier, Receiving } from './carriers.ts';
import { findProgram, freePort, listening } from './command.ts';

const run = promisify(execFile);

/** scp, to an sshd of our own: a free port, keys that are thrown away, nobody's configuration. */
export function scp(name: string, recursive: boolean): Carrier {
  const missing = ['scp', 'sshd', 'ssh-keygen'].filter((program) => !findProgram(program));
  return {
    name,
    ...(missing.length > 0 && { absent: `${missing.join(' and ')} not installed` }),
    version: async () => (await run('ssh', ['-V'])).stderr.trim(),
    async start(folder, dir): Promise<Receiving> {
      const key = (file: string) => join(folder, file);
      for (const file of ['host', 'user']) {
        await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key(file)]);
      }
      await copyFile(key('user.pub'), key('authorized'));
      await chmod(key('authorized'), 0o600);
      const port = await freePort();
      const config = [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${key('host')}`,
        `AuthorizedKeysFile ${key('authorized')}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin prohibit-password',
        'Subsystem sftp internal-sftp',
      ];
      await writeFile(key('sshd_config'), `${config.join('\n')}\n`);
      const daemon = await startDaemon(findProgram('sshd')!, ['-D', '-e', '-f', key('sshd_config')], port);
      const to = `${userInfo().username}@127.0.0.1:${dir}/`;
      const options = [
        'StrictHostKeyChecking=no',
        'UserKnownHostsFile=/dev/null',
        'IdentitiesOnly=yes',
        'LogLevel=ERROR',
      ];
      return {
        send: (paths) => [
          'scp',
          ...['-q', '-F', 'none', '-i', key('user'), '-P', String(port)],
          ...options.flatMap((option) => ['-o', option]),
          ...(recursive ? ['-r', '.'] : paths),
          to,
        ],
        pid: daemon.pid!,
        forks: true,
        stop: () => stopDaemon(daemon),
      };
    },
  };
}

/** rsync to a daemon of its own, whole files: nothing is compared, as nothing is there. */
export const rsync: Carrier = {
  name: 'rsync -W',
  ...(!findProgram('rsync') && { absent: 'rsync not installed' }),
  version: async () => (await run('rsync', ['--version'])).stdout.split('\n')[0]!.replace(/ {2,}.*/, ''),
  async start(folder, dir): Promise<Receiving> {
    const port = await freePort();
    const { uid, gid } = userInfo();
    const config = [
      'use chroot = no',
      '[in]',
      `path = ${dir}`,
      'read only = no',
      ...(uid === 0 ? [`uid = ${uid}`, `gid = ${gid}`] : []),
    ];
    const path = join(folder, 'rsyncd.conf');
    await writeFile(path, `${config.join('\n')}\n`);
    const args = [
      '--daemon',
      '--no-detach',
      '--address=127.0.0.1',
      `--port=${port}`,
      `--config=${path}`,
      '--log-file=/dev/null',
    ];
    const daemon = await startDaemon('rsync', args, port);
    return {
      send: (paths) => ['rsync', '-W', ...paths, `rsync://127.0.0.1:${port}/in/`],
      pid: daemon.pid!,
      forks: true,
      stop: () => stopDaemon(daemon),
    };
  },
};

async function startDaemon(command: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  const ended = once(child, 'close').then(([code]): never => {
    throw new Error(`${command} ended with ${code}: ${stderr.trim().slice(-300)}`);
  });
  await listening(port, ended);
  return child;
}

async function stopDaemon(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  await ended;
}
