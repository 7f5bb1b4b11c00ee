import { type Explanation, messageOf, systemCode } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/** Why no receiver could be started at a Unix socket. */
export function explainSocket(error: unknown, path: string): Explanation {
  const exitCode = ExitCode.Failed;
  const system = systemCode(error);
  if (system === 'EADDRINUSE') {
    return {
      code: 'SOCKET_IN_USE',
      message: `${path} is in use already, or a file that is no socket`,
      hint: 'choose another with --socket',
      exitCode,
    };
  }
  const why =
    // libuv says EACCES for a folder that is not there, too.
    system === 'EACCES' || system === 'ENOENT' || system === 'ENOTDIR'
      ? 'its folder does not exist, or may not be written to'
      : system === 'EINVAL'
        ? 'the path is too long for a socket'
        : messageOf(error);
  return { code: 'BAD_SOCKET', message: `cannot listen at ${path}: ${why}`, exitCode };
}
