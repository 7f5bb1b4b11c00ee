import type { Server } from 'node:http';

/**
 * Makes an `http.Server` that never listens enforce its `headersTimeout` and `requestTimeout`: Node starts the sweep over
 * its connections when the server begins to listen, and for a server that is given connections there is no public way to
 * start it. So Node's own listener for that event is called; the program's own listeners hear nothing. The tests run on
 * every Node that is supported, and notice if the name changes.
 */
export function enforceHttpTimeouts(http: Server): void {
  if (http.listening) return;
  const start = http.listeners('listening').find(({ name }) => name === 'setupConnectionsTracking');
  start?.call(http);
}
