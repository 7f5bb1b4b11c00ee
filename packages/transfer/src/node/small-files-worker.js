/**
 * The thread for small files. Plain JavaScript, for the reason that hash-worker.js has.
 *
 * A small file takes a dozen calls of the file system, and each by itself through Node's thread pool costs ten times what the
 * kernel needs for it. Here they are made one behind the other, and only the outcome goes back. Waiting for the disk, which
 * may take long, does not hold up the next file.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { parentPort } from 'node:worker_threads';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants;
/** Should a named pipe have taken the place of a file, its opening must not wait for a writer. */
const O_NONBLOCK = constants.O_NONBLOCK ?? 0;
const waitForDisk = promisify(fsync);

/**
 * @typedef {{ size: number, modified: bigint, identity: string }} Look
 * @typedef {{ call: number, op: 'look', path: string }
 *   | { call: number, op: 'read', path: string, byteLength: number, headroomBytes: number, follow: boolean }
 *   | { call: number, op: 'store', temporary: string, path: string, bytes: Uint8Array, modified: number | undefined, fsync: boolean }} Request
 */

/**
 * @param {import('node:fs').BigIntStats} stats
 * @returns {Look}
 */
const lookOf = ({ size, mtimeNs, dev, ino }) => ({ size: Number(size), modified: mtimeNs, identity: `${dev}:${ino}` });

/** How a file looks that can be read; nothing when it is no regular one. @param {string} path */
function look(path) {
  const found = statSync(path, { bigint: true });
  if (!found.isFile()) return {};
  closeSync(openSync(path, O_RDONLY | O_NONBLOCK));
  return { look: lookOf(found), mode: found.mode, realPath: realpathSync.native(path) };
}

/**
 * All of a file, behind some free bytes, and how it looked before and after.
 *
 * @param {string} path
 * @param {number} byteLength
 * @param {number} headroomBytes
 * @param {boolean} follow whether a symlink leads to it
 */
function read(path, byteLength, headroomBytes, follow) {
  const file = openSync(path, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  try {
    const before = lookOf(fstatSync(file, { bigint: true }));
    const bytes = new Uint8Array(new ArrayBuffer(headroomBytes + byteLength), headroomBytes);
    let filled = 0;
    for (let more = 1; more > 0 && filled < byteLength; filled += more) {
      more = readSync(file, bytes, filled, byteLength - filled, filled);
    }
    return { bytes: bytes.subarray(0, filled), before, after: lookOf(fstatSync(file, { bigint: true })) };
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a new file under `temporary` and gives it the name `path`, which must be free. In the end only that is left of it.
 *
 * @param {string} temporary
 * @param {string} path
 * @param {Uint8Array} bytes
 * @param {number | undefined} modified
 * @param {boolean} durable
 */
async function store(temporary, path, bytes, modified, durable) {
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666);
  try {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      if (modified !== undefined) setModified(file, modified);
      if (durable) await waitForDisk(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
  } finally {
    unlinkSync(temporary);
  }
}

/** A time that this file system cannot hold is no reason to lose the file. @param {number} file @param {number} modified */
function setModified(file, modified) {
  try {
    futimesSync(file, new Date(), new Date(modified));
  } catch {}
}

parentPort?.on('message', async (/** @type {Request} */ request) => {
  const { call } = request;
  try {
    if (request.op === 'look') {
      parentPort?.postMessage({ call, ...look(request.path) });
    } else if (request.op === 'read') {
      const found = read(request.path, request.byteLength, request.headroomBytes, request.follow);
      parentPort?.postMessage({ call, ...found }, [found.bytes.buffer]);
    } else {
      const { temporary, path, bytes, modified, fsync: durable } = request;
      await store(temporary, path, bytes, modified, durable);
      parentPort?.postMessage({ call });
    }
  } catch (error) {
    const { message, code, errno } = /** @type {NodeJS.ErrnoException} */ (error);
    parentPort?.postMessage({ call, error: { message, code, errno } });
  }
});
