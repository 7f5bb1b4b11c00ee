/** For each way an offer or answer can be wrong: the section of RFC 7692 that says so. */
const faults = {
  OTHER_EXTENSION: '§7',
  UNKNOWN_PARAMETER: '§7',
  REPEATED_PARAMETER: '§7',
  INVALID_VALUE: '§7.1',
  UNOFFERED_PARAMETER: '§7.1.2.2',
  UNMET_TAKEOVER: '§7.1.1.1',
  UNMET_SERVER_WINDOW: '§7.1.2.1',
  UNMET_CLIENT_WINDOW: '§7.1.2.2',
} as const;

/** Why an answer is no agreement. Stable API: compare these, never messages. */
export type DeflateNegotiationErrorCode = keyof typeof faults;

/**
 * The server's answer does not fit what was offered: the client must fail the connection (RFC 7692 §7). `section` names
 * the RFC and section that was broken.
 */
export class DeflateNegotiationError extends Error {
  override readonly name = 'DeflateNegotiationError';
  readonly code: DeflateNegotiationErrorCode;
  readonly section: string;

  constructor(code: DeflateNegotiationErrorCode, message: string) {
    super(message);
    this.code = code;
    this.section = `RFC 7692 ${faults[code]}`;
  }
}
