import type { Packet } from '@wsferry/transfer';
import type { Random } from '../random.ts';

const NAMES = [
  'a.txt',
  'grüße.pdf',
  '../../etc/passwd',
  'CON',
  '',
  'x'.repeat(300),
  '..',
  'a/b',
  'nul\u0000',
  '.wsferry',
];
const FOLDERS = [[], ['a'], ['a', '..'], ['a/b'], new Array<string>(65).fill('deep')];
const MD5 = '900150983cd24fb0d6963f7d28e17f72';

/** Any packet, right in form. `id`: whose transfer, whose request. */
export function anyPacket(random: Random, id = 1 + random.below(6)): Packet {
  return random.once(2) ? filePacket(random, id) : otherPacket(random, id);
}

const size = (random: Random) => random.pick([0, 3, 300, 2 ** 31, 2 ** 53 - 1]);
const code = (random: Random) => random.pick(['OK', 'EXISTS', 'NO_SPACE', 'UNKNOWN_TYPE', 'WHO_KNOWS']);
const digest = (random: Random) => random.pick([{}, { digest: 'md5' }, { digest: 'sha256' }] as const);
const folder = (random: Random) => (random.once(2) ? { folder: random.pick(FOLDERS) } : {});

/** The packets of a transfer. */
function filePacket(random: Random, id: number): Packet {
  switch (random.below(10)) {
    case 0:
      return {
        type: 'NEW_FILE',
        id,
        name: random.pick(NAMES),
        ...(random.once(2) ? { size: size(random), modified: 1e12 } : {}),
        ...(random.once(2) ? { resumeKey: random.pick(['k', '!'.repeat(128)]), ...folder(random) } : {}),
        ...(random.once(4) ? { onConflict: random.pick(['rename', 'skip', 'as you like']), executable: true } : {}),
        ...(random.once(4) ? { request: 1 + random.below(4) } : {}),
        ...digest(random),
      };
    case 1:
      if (random.once(4))
        return { type: 'ACK_NEW_FILE', id, code: 'OK', restarted: random.pick(['SOURCE_CHANGED', 'no']) };
      return {
        type: 'ACK_NEW_FILE',
        id,
        code: code(random),
        offset: size(random),
        prefixDigest: MD5,
        window: size(random),
        ...digest(random),
      };
    case 2:
      return { type: 'ACK_FILE_DATA', id, stored: size(random), ...(random.once(2) ? { window: size(random) } : {}) };
    case 3:
      return { type: 'FILE_END', id, ...random.pick([{ md5: MD5 }, { sha256: MD5 + MD5 }]) };
    case 4:
      return {
        type: 'ACK_FILE_END',
        id,
        code: code(random),
        name: random.pick(NAMES),
        size: size(random),
        existing: random.once(2),
      };
    case 5:
      return { type: 'CANCEL_FILE', id, code: code(random) };
    case 6:
      return { type: random.pick(['PAUSE_FILE', 'RESUME_FILE'] as const), id };
    default:
      return {
        type: 'FILE_DATA',
        id,
        offset: random.pick([0, 0, 3, 2 ** 32, 2 ** 53 - 1]),
        bytes: random.bytes(random.length(64)),
      };
  }
}

/** Folders, requests, what is pushed, probes and errors. */
function otherPacket(random: Random, id: number): Packet {
  const request = id;
  switch (random.below(14)) {
    case 0:
      return { type: 'ERROR', code: code(random), message: 'as it is', ...random.pick([{}, { id }, { request }]) };
    case 1:
      return { type: 'WATCH', recent: random.below(5) };
    case 2:
      return {
        type: 'FILE_ARRIVED',
        name: random.pick(NAMES),
        size: size(random),
        md5: MD5,
        at: 1e12,
        ...folder(random),
      };
    case 3:
      return { type: 'PROBE', probe: id, ...(random.once(2) ? { about: true } : {}) };
    case 4:
      return { type: 'ACK_PROBE', probe: id, ...(random.once(2) ? { about: { software: 'ferry/1' } } : {}) };
    case 5:
      return { type: 'NEW_FOLDER', id, name: random.pick(NAMES), modified: 1e12, ...folder(random) };
    case 6:
      return { type: 'ACK_NEW_FOLDER', id, code: code(random), name: random.pick(NAMES) };
    case 7:
      return { type: 'GET_FILE', request, name: random.pick(NAMES), ...folder(random), ...digest(random) };
    case 8:
      return { type: 'ACK_GET_FILE', request, code: code(random) };
    case 9:
      return {
        type: 'LIST_FILES',
        request,
        ...folder(random),
        ...(random.once(2) ? { recursive: true, after: random.pick(NAMES) } : {}),
      };
    case 10:
      return {
        type: 'FILE_LIST',
        request,
        code: code(random),
        entries: Array.from({ length: random.below(3) }, () => ({
          name: random.pick(NAMES),
          kind: random.pick(['file', 'folder'] as const),
          ...folder(random),
          ...(random.once(2) ? { size: size(random), modified: 1e12, executable: true } : {}),
        })),
        ...(random.once(2) ? { next: random.pick(NAMES) } : {}),
      };
    case 11:
      return { type: 'NOTE', text: random.pick(NAMES), ...(random.once(2) ? { request } : {}) };
    case 12:
      return { type: 'ACK_NOTE', request, code: code(random) };
    default:
      return { type: 'NOTE_POSTED', text: random.pick(NAMES), at: 1e12 };
  }
}
