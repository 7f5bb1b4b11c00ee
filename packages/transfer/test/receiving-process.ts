/**
 * A process of its own that receives from its parent into the folder of its first argument. With a number as the second
 * one it kills itself at that change of the file system: 2n before the n-th begins, 2n + 1 right after it.
 */
import fs, { type promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { channelPipe } from './channel-pipe.ts';

const changes = ['link', 'mkdir', 'open', 'rename', 'rmdir', 'unlink'];
const changesOfFiles = ['close', 'datasync', 'sync', 'truncate', 'utimes', 'write', 'writeFile', 'writev'];

type Calls = Record<string, (...args: unknown[]) => unknown>;

async function dieAt(point: number): Promise<void> {
  let passed = 0;
  const pass = () => {
    if (passed === point) process.kill(process.pid, 'SIGKILL');
    passed += 1;
  };
  const watch = (owner: object, names: readonly string[]) => {
    const calls = owner as Calls;
    for (const name of names) {
      const call = calls[name]!;
      calls[name] = async function (this: unknown, ...args) {
        pass();
        const result = await call.apply(this, args);
        pass();
        return result;
      };
    }
  };
  const file = await fs.promises.open(process.execPath, 'r');
  watch(Object.getPrototypeOf(file) satisfies promises.FileHandle, changesOfFiles);
  await file.close();
  passed = 0;
  watch(fs.promises, changes);
  // The named imports of the modules that are loaded from here on are the watched ones.
  syncBuiltinESMExports();
}

const [dir, point] = process.argv.slice(2);
if (point !== undefined) await dieAt(Number(point));
const { directoryReceiver } = await import('../src/node/index.ts');
const { openSession } = await import('../src/index.ts');
const { accept } = await directoryReceiver(dir!);
const session = openSession(channelPipe(process), { role: 'acceptor', accept, windowBytes: 200_000 });
process.send!('ready');
await session.closed;
