import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes a file system of so many bytes of a folder, until `unmount()`. Only root may, also by `sudo` without a password:
 * the string says why it cannot be, and a test is to be skipped. In CI (WSFERRY_REQUIRE_ALL set) that is an error.
 */
export async function smallDisk(dir: string, bytes: number): Promise<{ unmount(): Promise<void> } | string> {
  const { geteuid = () => -1, getegid = () => -1 } = process;
  const root = geteuid() === 0;
  const asRoot = (...command: string[]) =>
    root ? run(command[0]!, command.slice(1)) : run('sudo', ['-n', ...command]);
  try {
    const options = `size=${bytes},uid=${geteuid()},gid=${getegid()}`;
    await asRoot('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', dir);
  } catch (error) {
    const reason = 'cannot mount a small disk: tests that need one are skipped';
    if (process.env['WSFERRY_REQUIRE_ALL']) throw new Error(reason, { cause: error });
    console.warn(reason);
    return reason;
  }
  return {
    unmount: async () => {
      await asRoot('umount', dir);
    },
  };
}
