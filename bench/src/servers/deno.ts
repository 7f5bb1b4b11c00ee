/** Deno's own server; runs in Deno, and is one file for that reason. Arguments: echo | push */
interface DenoSocket {
  binaryType: string;
  onopen: () => void;
  onclose: () => void;
  onmessage: (event: { data: string | ArrayBuffer }) => void;
  send(data: string | ArrayBuffer): void;
}
declare const Deno: {
  readonly args: readonly string[];
  readonly stdin: { readonly readable: AsyncIterable<Uint8Array> };
  exit(): never;
  serve(options: object, handler: (request: Request) => Response): void;
  upgradeWebSocket(request: Request): { socket: DenoSocket; response: Response };
};

const [mode] = Deno.args;
const everybody = new Set<DenoSocket>();

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    onListen: ({ port }: { port: number }) => console.log(JSON.stringify({ port })),
    onError: () => new Response('', { status: 500 }),
  },
  (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => everybody.add(socket);
    socket.onclose = () => everybody.delete(socket);
    socket.onmessage = ({ data }) => {
      if (mode === 'push') for (const each of everybody) each.send(data);
      else socket.send(data);
    };
    return response;
  },
);

for await (const bytes of Deno.stdin.readable) {
  if (!new TextDecoder().decode(bytes).includes('gc')) continue;
  (globalThis as unknown as { gc?: () => void }).gc?.();
  console.log('{"collected":true}');
}
Deno.exit();

export {};
