const PROTOCOL_ERROR = 1002;
const INVALID_PAYLOAD = 1007;
const MESSAGE_TOO_BIG = 1009;

/** For each violation: the close code to answer it with (RFC 6455 §7.4.1), and the RFC and section that forbids it. */
const violations = {
  RESERVED_BITS: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.2' },
  RESERVED_OPCODE: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.2' },
  FRAGMENTED_CONTROL: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.5' },
  CONTROL_TOO_LONG: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.5' },
  UNMASKED: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.1' },
  MASKED: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.1' },
  LENGTH_NOT_MINIMAL: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.2' },
  LENGTH_TOO_LARGE: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.2' },
  UNEXPECTED_CONTINUATION: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.4' },
  EXPECTED_CONTINUATION: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.4' },
  INVALID_CLOSE: { closeCode: PROTOCOL_ERROR, section: 'RFC 6455 §5.5.1' },
  INVALID_UTF8: { closeCode: INVALID_PAYLOAD, section: 'RFC 6455 §8.1' },
  INVALID_DEFLATE: { closeCode: INVALID_PAYLOAD, section: 'RFC 7692 §7.2.2' },
  TOO_BIG: { closeCode: MESSAGE_TOO_BIG, section: 'RFC 6455 §10.4' },
} as const;

/** What the peer did wrong: stable names, safe to switch on. */
export type FrameErrorCode = keyof typeof violations;

/**
 * The peer's bytes break RFC 6455, RFC 7692 (or a limit of ours). `closeCode` is the status code to close with, `section`
 * what was broken: "RFC 6455 §5.2". A mistake of the calling program is a RangeError instead.
 */
export class FrameError extends Error {
  readonly code: FrameErrorCode;
  readonly closeCode: number;
  readonly section: string;

  constructor(code: FrameErrorCode, message: string) {
    super(message);
    this.name = 'FrameError';
    this.code = code;
    this.closeCode = violations[code].closeCode;
    this.section = violations[code].section;
  }
}
