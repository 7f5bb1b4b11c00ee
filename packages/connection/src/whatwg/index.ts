export type { WebSocketClassOptions } from './class-options.ts';
export { CloseEvent, type CloseEventConstructor, type CloseEventInit } from './events.ts';
export type { BinaryType, WebSocketConstructor, WebSocketEventMap } from './types.ts';
export { WebSocket, webSocketClass } from './web-socket.ts';
