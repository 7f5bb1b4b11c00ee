/**
 * Masking by WebAssembly's 128-bit words, about eight times as fast as by JavaScript's 32-bit ones. The module is small
 * enough to be written down here, instruction by instruction; its memory is where the bytes must be for it. Where there is no
 * WebAssembly, or none with SIMD, there is no kernel, and masking goes by words.
 */
export interface MaskKernel {
  /** The module's memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * XORs `bytes[start, end)` with the key, whose byte for `bytes[start]` is its lowest one: `key & 0xff`. The addresses are
   * not checked against anything but the memory's end.
   */
  xor(start: number, end: number, key: number): void;
}

const PAGE_BYTES = 64 * 1024;
/** Room to copy something in, mask it and copy it out again; of the size in which sockets hand over what they read. */
export const SCRATCH_BYTES = PAGE_BYTES;
/** Room behind it that is lent, see `LentMemory`. Like all memory, it costs nothing until it is used. */
export const LENDABLE_BYTES = 64 * PAGE_BYTES;

// https://webassembly.github.io/spec/core/binary/: the few codes that are needed.
const I32 = 0x7f;
const V128 = 0x7b;
const NO_RESULT = 0x40;
const block = [0x02, NO_RESULT];
const loop = [0x03, NO_RESULT];
const end = [0x0b];
const again = [0x0c, 0];
const leaveIf = [0x0d, 1];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, (value & 0x7f) | 0x80, value >> 7];
const load8 = [0x2d, 0, 0];
const store8 = [0x3a, 0, 0];
const greater = [0x4b];
const add = [0x6a];
const xor = [0x73];
const rotateRight = [0x78];
const load128 = (offset: number) => [0xfd, 0x00, 0, offset];
const store128 = (offset: number) => [0xfd, 0x0b, 0, offset];
const splat = [0xfd, 0x11];
const xor128 = [0xfd, 0x51];

const AT = 0;
const END = 1;
const KEY = 2;
const WIDE_KEY = 3;

/** While `AT + step <= END`: does `work` and moves `AT` on by `step`. */
const whileRoomFor = (step: number, ...work: number[][]) => [
  ...[block, loop].flat(),
  ...[get(AT), constant(step), add, get(END), greater, leaveIf].flat(),
  ...work.flat(),
  ...[get(AT), constant(step), add, set(AT)].flat(),
  ...[again, end, end].flat(),
];

const maskWide = (offset: number) =>
  [get(AT), get(AT), load128(offset), get(WIDE_KEY), xor128, store128(offset)].flat();

const instructions = [
  ...[get(KEY), splat, set(WIDE_KEY)].flat(),
  ...whileRoomFor(64, maskWide(0), maskWide(16), maskWide(32), maskWide(48)),
  ...whileRoomFor(16, maskWide(0)),
  ...whileRoomFor(
    1,
    [get(AT), get(AT), load8, get(KEY), xor, store8].flat(),
    [get(KEY), constant(8), rotateRight, set(KEY)].flat(),
  ),
];

/** A vector of bytes: how many, in LEB128, and they themselves. */
const sized = (bytes: readonly number[]) => [(bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes];
const section = (id: number, ...content: number[][]) => [id, ...sized(content.flat())];
const name = (text: string) => sized([...text].map((character) => character.charCodeAt(0)));

/** `(module (import "m" "m" (memory 1)) (func (export "xor") (param i32 i32 i32) (local v128) …))` */
const moduleBytes = () =>
  Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(2, [1], name('m'), name('m'), [2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1], name('xor'), [0, 0]),
    ...section(10, [1], sized([1, 1, V128, ...instructions, ...end])),
  ]);

/** What is used of `globalThis.WebAssembly`: where it runs is unknown, and so are its types. */
interface WebAssemblyHere {
  Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { xor: MaskKernel['xor'] } };
}

/** A kernel of its own memory, or `undefined` where there can be none: no WebAssembly, no SIMD, forbidden, no address space. */
export function createMaskKernel(): MaskKernel | undefined {
  try {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyHere };
    const pages = (SCRATCH_BYTES + LENDABLE_BYTES) / PAGE_BYTES;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { m: { m: memory } });
    return { bytes: new Uint8Array(memory.buffer), xor: exports.xor };
  } catch {
    return undefined;
  }
}

let kernel: MaskKernel | undefined;
let tried = false;

/** The kernel that all share, made when it is first needed. */
export function maskKernel(): MaskKernel | undefined {
  if (!tried) {
    tried = true;
    kernel = createMaskKernel();
  }
  return kernel;
}

/** The shared kernel when `bytes` lie in its memory, where they can be masked as they are. */
export function kernelThatHolds(bytes: Uint8Array): MaskKernel | undefined {
  return kernel !== undefined && kernel.bytes.buffer === bytes.buffer ? kernel : undefined;
}
