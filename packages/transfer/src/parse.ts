import * as v from 'valibot';
import { TransferError } from './errors.ts';
import {
  type ControlPacket,
  DATA_HEADER_BYTES,
  DATA_KIND,
  type FileData,
  MAX_ID,
  MAX_NOTE_LENGTH,
  type Packet,
} from './packets.ts';

/**
 * The longest control packet, in UTF-16 units. The largest honest one is a NEW_FILE whose name will be refused anyway;
 * the limit keeps a peer from having megabytes of JSON parsed.
 */
export const MAX_CONTROL_LENGTH = 65_536;

const id = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ID));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const time = v.pipe(v.number(), v.finite());
const text = v.string();
const md5 = v.pipe(v.string(), v.toLowerCase(), v.regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits'));
const sha256 = v.pipe(v.string(), v.toLowerCase(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'));
const hex = v.pipe(v.string(), v.toLowerCase(), v.regex(/^[0-9a-f]+$/, 'expected hex digits'));
const algorithm = v.picklist(['md5', 'sha256']);
const names = v.array(text);
const resumeKey = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,128}$/, 'expected 1 to 128 printable ASCII characters'));
const note = v.pipe(v.string(), v.maxLength(MAX_NOTE_LENGTH, `expected at most ${MAX_NOTE_LENGTH} characters`));
const entry = v.object({
  name: text,
  folder: v.optional(names),
  kind: v.picklist(['file', 'folder']),
  size: v.optional(count),
  modified: v.optional(time),
  executable: v.optional(v.boolean()),
});

function hasDigest(packet: { md5?: string | undefined; sha256?: string | undefined }): boolean {
  return packet.md5 !== undefined || packet.sha256 !== undefined;
}

/** One schema a type. `v.object` drops fields it does not know: that is how later versions may add some. */
const schemas = {
  NEW_FILE: v.object({
    type: v.literal('NEW_FILE'),
    id,
    name: text,
    size: v.optional(count),
    modified: v.optional(time),
    folder: v.optional(names),
    executable: v.optional(v.boolean()),
    resumeKey: v.optional(resumeKey),
    onConflict: v.optional(text),
    request: v.optional(id),
    digest: v.optional(algorithm),
  }),
  ACK_NEW_FILE: v.object({
    type: v.literal('ACK_NEW_FILE'),
    id,
    code: text,
    message: v.optional(text),
    offset: v.optional(count),
    prefixDigest: v.optional(hex),
    restarted: v.optional(text),
    window: v.optional(count),
    digest: v.optional(algorithm),
  }),
  ACK_FILE_DATA: v.object({ type: v.literal('ACK_FILE_DATA'), id, stored: count, window: v.optional(count) }),
  FILE_END: v.pipe(
    v.object({ type: v.literal('FILE_END'), id, md5: v.optional(md5), sha256: v.optional(sha256) }),
    v.check((packet) => hasDigest(packet), 'expected md5 or sha256'),
  ),
  ACK_FILE_END: v.object({
    type: v.literal('ACK_FILE_END'),
    id,
    code: text,
    message: v.optional(text),
    name: v.optional(text),
    path: v.optional(text),
    size: v.optional(count),
    existing: v.optional(v.boolean()),
  }),
  CANCEL_FILE: v.object({
    type: v.literal('CANCEL_FILE'),
    id,
    code: v.optional(text),
    message: v.optional(text),
  }),
  PAUSE_FILE: v.object({ type: v.literal('PAUSE_FILE'), id }),
  RESUME_FILE: v.object({ type: v.literal('RESUME_FILE'), id }),
  NEW_FOLDER: v.object({
    type: v.literal('NEW_FOLDER'),
    id,
    name: text,
    folder: v.optional(names),
    modified: v.optional(time),
  }),
  ACK_NEW_FOLDER: v.object({
    type: v.literal('ACK_NEW_FOLDER'),
    id,
    code: text,
    message: v.optional(text),
    name: v.optional(text),
  }),
  GET_FILE: v.object({
    type: v.literal('GET_FILE'),
    request: id,
    name: text,
    folder: v.optional(names),
    digest: v.optional(algorithm),
  }),
  ACK_GET_FILE: v.object({ type: v.literal('ACK_GET_FILE'), request: id, code: text, message: v.optional(text) }),
  LIST_FILES: v.object({
    type: v.literal('LIST_FILES'),
    request: id,
    folder: v.optional(names),
    recursive: v.optional(v.boolean()),
    after: v.optional(text),
  }),
  FILE_LIST: v.object({
    type: v.literal('FILE_LIST'),
    request: id,
    code: text,
    message: v.optional(text),
    entries: v.optional(v.array(entry)),
    next: v.optional(text),
  }),
  NOTE: v.object({ type: v.literal('NOTE'), request: v.optional(id), text: note }),
  ACK_NOTE: v.object({ type: v.literal('ACK_NOTE'), request: id, code: text, message: v.optional(text) }),
  NOTE_POSTED: v.object({ type: v.literal('NOTE_POSTED'), text, at: time }),
  ERROR: v.object({
    type: v.literal('ERROR'),
    code: text,
    message: text,
    id: v.optional(id),
    request: v.optional(id),
  }),
  WATCH: v.object({ type: v.literal('WATCH'), recent: v.optional(count) }),
  FILE_ARRIVED: v.pipe(
    v.object({
      type: v.literal('FILE_ARRIVED'),
      name: text,
      size: count,
      md5: v.optional(md5),
      sha256: v.optional(sha256),
      folder: v.optional(names),
      at: time,
      existing: v.optional(v.boolean()),
    }),
    v.check((packet) => hasDigest(packet), 'expected md5 or sha256'),
  ),
  PROBE: v.object({ type: v.literal('PROBE'), probe: id, about: v.optional(v.literal(true)) }),
  ACK_PROBE: v.object({ type: v.literal('ACK_PROBE'), probe: id, about: v.optional(v.record(text, text)) }),
} as const satisfies Record<ControlPacket['type'], v.GenericSchema<unknown, ControlPacket>>;

/** The packets whose `request` is one of the side that gets them. */
const answers: ReadonlySet<string> = new Set(['NEW_FILE', 'ACK_GET_FILE', 'FILE_LIST', 'ACK_NOTE']);

/**
 * A WebSocket message as a packet: text is a control packet, binary is FILE_DATA (whose `bytes` are a view into the
 * message).
 *
 * @throws {TransferError} BAD_PACKET or UNKNOWN_TYPE, never anything else; `id`, `request` and `answer` are
 * set when the message still told them.
 */
export function parsePacket(message: string | Uint8Array): Packet {
  return typeof message === 'string' ? parseControl(message) : parseData(message);
}

function parseControl(message: string): ControlPacket {
  if (message.length > MAX_CONTROL_LENGTH) {
    throw new TransferError(
      'BAD_PACKET',
      `expected at most ${MAX_CONTROL_LENGTH} characters of JSON, but ${message.length} came`,
      { id: leadingId(message) },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    throw new TransferError('BAD_PACKET', 'expected a text message to be JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new TransferError('BAD_PACKET', 'expected a text message to be a JSON object');
  }
  const { type, ...fields } = json as { type?: unknown; id?: unknown; request?: unknown };
  // Requests and answers carry a number of their asker; what is wrong with them concerns one side or the other.
  const row = typeof type === 'string' && answers.has(type) ? 'answer' : 'request';
  const about = {
    id: v.is(id, fields.id) ? fields.id : undefined,
    [row]: v.is(id, fields.request) ? fields.request : undefined,
  };
  if (typeof type !== 'string') {
    throw new TransferError('BAD_PACKET', 'expected a packet to have a type, a string', about);
  }
  if (!Object.hasOwn(schemas, type)) {
    throw new TransferError('UNKNOWN_TYPE', `no packet has the type ${JSON.stringify(type.slice(0, 40))}`, about);
  }
  const result = v.safeParse(schemas[type as ControlPacket['type']], json, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue);
  throw new TransferError('BAD_PACKET', `${type}${field ? `.${field}` : ''}: ${issue.message.slice(0, 200)}`, about);
}

/**
 * The id of a packet that is too long to be parsed, when it comes first or right after the type, as every packet of ours
 * has it. Without it the sender could not know which of its files was refused. Anchored: no string can pretend to be it.
 */
function leadingId(message: string): number | undefined {
  const head = /^\s*\{\s*(?:"type"\s*:\s*"[A-Z_]+"\s*,\s*)?"id"\s*:\s*(\d{1,10})\s*[,}]/.exec(message.slice(0, 200));
  const found = Number(head?.[1]);
  return v.is(id, found) ? found : undefined;
}

function parseData(message: Uint8Array): FileData {
  if (message.length < DATA_HEADER_BYTES) {
    throw new TransferError(
      'BAD_PACKET',
      `expected a binary message to begin with ${DATA_HEADER_BYTES} bytes of header, but it has ${message.length}`,
    );
  }
  const view = new DataView(message.buffer, message.byteOffset, DATA_HEADER_BYTES);
  const kind = view.getUint8(0);
  if (kind !== DATA_KIND) {
    throw new TransferError('UNKNOWN_TYPE', `expected a binary message of kind ${DATA_KIND}, but ${kind} came`);
  }
  const id = view.getUint32(4);
  if (view.getUint32(0) !== DATA_KIND * 2 ** 24) {
    throw new TransferError('BAD_PACKET', 'expected bytes 1 to 3 of FILE_DATA to be zero', { id: id || undefined });
  }
  if (id === 0) throw new TransferError('BAD_PACKET', 'expected the id of FILE_DATA to be at least 1');
  const high = view.getUint32(8);
  // Above 2^53 a number would silently lose the low bits; no file is that long.
  if (high >= 2 ** 21) throw new TransferError('BAD_PACKET', 'expected the offset to be below 2^53', { id });
  const offset = high * 2 ** 32 + view.getUint32(12);
  return { type: 'FILE_DATA', id, offset, bytes: message.subarray(DATA_HEADER_BYTES) };
}
