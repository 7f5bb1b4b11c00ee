import { Socket } from 'node:net';

/** Loaded before the program under test: what it sends to port 6455 goes to DEFAULT_PORT; 9, discard, is nobody's. */
const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  // `net.connect` and `tls.connect` come with their arguments put into an array.
  const target = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { port?: unknown } | undefined;
  if (typeof target === 'object' && Number(target.port) === 6455) target.port = Number(process.env['DEFAULT_PORT']);
  return connect.apply(this, args);
};
