import { DATA_HEADER_BYTES, DATA_KIND, type FileData, type Packet } from './packets.ts';

/** A packet as the WebSocket message that carries it: FILE_DATA binary, everything else JSON text. */
export function encodePacket(packet: Packet): string | Uint8Array<ArrayBuffer> {
  return packet.type === 'FILE_DATA' ? encodeFileData(packet) : JSON.stringify(packet);
}

/** FILE_DATA as one new buffer; the caller's bytes are copied, so a source may reuse its own. */
export function encodeFileData(packet: FileData): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(DATA_HEADER_BYTES + packet.bytes.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, DATA_KIND);
  view.setUint32(4, packet.id);
  view.setUint32(8, Math.floor(packet.offset / 2 ** 32));
  view.setUint32(12, packet.offset % 2 ** 32);
  message.set(packet.bytes, DATA_HEADER_BYTES);
  return message;
}
