/** The browser's own WebSocket and File: `@wsferry/transfer/browser`. */
export { type BlobLike, blobSource, type FileLike } from './blob-source.ts';
export { fileResumeKey } from './resume-key.ts';
export { type FromWebSocketOptions, fromWebSocket, type WebSocketLike } from './web-socket-pipe.ts';
