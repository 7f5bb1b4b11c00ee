/** What the process ends with: stable, so that scripts can decide on it. */
export const ExitCode = {
  /** Everything is stored. */
  Done: 0,
  /** A transfer failed, or (serve) the receiver could not start. */
  Failed: 1,
  /** The command line makes no sense. */
  Usage: 2,
  /** Nobody there who speaks wsferry. */
  CannotConnect: 3,
  /** The receiver said no: name, size, space, permission. */
  Refused: 4,
  /** The receiver's bytes are not the sender's. */
  DigestMismatch: 5,
  /** The terminal was closed (128 + SIGHUP). */
  HungUp: 129,
  /** Whoever read what `get -o -` writes has left (128 + SIGPIPE). */
  BrokenPipe: 141,
  /** Ctrl-C (128 + SIGINT). */
  Interrupted: 130,
  /** 128 + SIGTERM. */
  Terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * One exit code for many failures: a wrong digest outweighs a failure, and a failure outweighs a refusal (so 4 means
 * that every file that is missing was refused).
 */
export function worst(codes: readonly ExitCode[]): ExitCode {
  const order = [
    ExitCode.Interrupted,
    ExitCode.Terminated,
    ExitCode.HungUp,
    ExitCode.BrokenPipe,
    ExitCode.DigestMismatch,
    ExitCode.CannotConnect,
    ExitCode.Usage,
    ExitCode.Failed,
    ExitCode.Refused,
  ];
  return order.find((code) => codes.includes(code)) ?? ExitCode.Done;
}
