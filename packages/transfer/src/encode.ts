import { DATA_HEADER_BYTES, DATA_KIND, type FileData, type Packet } from './packets.ts';

/** A packet as the WebSocket message that carries it: FILE_DATA binary, everything else JSON text. */
export function encodePacket(packet: Packet): string | Uint8Array<ArrayBuffer> {
  return packet.type === 'FILE_DATA' ? encodeFileData(packet) : JSON.stringify(packet);
}

/** FILE_DATA as one new buffer; the caller's bytes are copied, so a source may reuse its own. */
export function encodeFileData(packet: FileData): Uint8Array<ArrayBuffer> {
  return encodeFileDataInto(new Uint8Array(DATA_HEADER_BYTES + packet.bytes.length), packet);
}

/** The same at the beginning of `buffer`, which has room for it. */
export function encodeFileDataInto(buffer: Uint8Array<ArrayBuffer>, packet: FileData): Uint8Array<ArrayBuffer> {
  const message = buffer.subarray(0, DATA_HEADER_BYTES + packet.bytes.length);
  writeHeader(message, packet);
  message.set(packet.bytes, DATA_HEADER_BYTES);
  return message;
}

/** FILE_DATA right where its bytes lie: the 16 bytes in front of them are overwritten with the header. */
export function encodeFileDataInPlace(packet: FileData): Uint8Array {
  const { buffer, byteOffset, length } = packet.bytes;
  const message = new Uint8Array(buffer, byteOffset - DATA_HEADER_BYTES, DATA_HEADER_BYTES + length);
  writeHeader(message, packet);
  return message;
}

function writeHeader(message: Uint8Array, { id, offset }: FileData): void {
  const view = new DataView(message.buffer, message.byteOffset, DATA_HEADER_BYTES);
  view.setUint32(0, DATA_KIND * 2 ** 24);
  view.setUint32(4, id);
  view.setUint32(8, Math.floor(offset / 2 ** 32));
  view.setUint32(12, offset % 2 ** 32);
}
