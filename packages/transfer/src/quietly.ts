/** Calls a listener of the program above. Its bug must cost no file, and is not the peer's violation. */
export function quietly(call: () => void): void {
  try {
    call();
  } catch {
    // Its own affair.
  }
}
