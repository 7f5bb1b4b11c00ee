/** Bun's own server; runs in Bun, and is one file for that reason. Arguments: echo | push, deflate? */
interface BunSocket {
  send(data: string | Uint8Array, compress?: boolean): number;
  subscribe(topic: string): void;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, data: string | Uint8Array): number;
}
declare const Bun: {
  serve(options: object): BunServer;
  gc(force: boolean): void;
};

const [mode, deflate] = process.argv.slice(2);

const server: BunServer = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request: Request, self: BunServer) => (self.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 64 * 1024 * 1024,
    // 'dedicated' is Bun's word for a context of each connection's own: context takeover.
    perMessageDeflate: deflate === 'deflate' ? { compress: 'dedicated', decompress: 'dedicated' } : false,
    open: (socket: BunSocket) => mode === 'push' && socket.subscribe('everybody'),
    message: (socket: BunSocket, data: string | Uint8Array) => {
      if (mode === 'push') server.publish('everybody', data);
      else socket.send(data, deflate === 'deflate');
    },
  },
});

process.stdin.on('data', (text: Uint8Array) => {
  if (!text.toString().includes('gc')) return;
  Bun.gc(true);
  console.log('{"collected":true}');
});
process.stdin.on('end', () => process.exit());
console.log(JSON.stringify({ port: server.port }));

export {};
