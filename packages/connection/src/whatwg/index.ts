export { CloseEvent, type CloseEventConstructor, type CloseEventInit } from './events.ts';
export type { BinaryType, WebSocketConstructor, WebSocketEventMap } from './types.ts';
export { WebSocket, type WebSocketClassOptions, webSocketClass } from './web-socket.ts';
