import { createServer, type Server } from 'node:http';
import { answerNoUpgrade, isFromThisMachine, refuseHttp, type TokenGuard } from '@wsferry/connection';

/** What an operator can ask a receiver for, by HTTP on its own port. */
export interface OperatorPages {
  /** `GET /healthz`: 200 while it takes connections, 503 once it stops. */
  readonly healthz: boolean;
  /** `GET /metrics`: this text, for programs of this machine and for who has the token. */
  readonly metrics: (() => Promise<string>) | undefined;
  readonly refuse: TokenGuard | undefined;
  readonly trustedProxies: readonly string[] | undefined;
  stopping(): boolean;
}

/** For `listen({ http })`: it never listens itself. */
export function operatorServer({ healthz, metrics, refuse, trustedProxies, stopping }: OperatorPages): Server {
  const policy = { ...(refuse && { refuse }), ...(trustedProxies && { trustedProxies }) };
  return createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'Content-Type': type }).end(request.method === 'HEAD' ? undefined : text);
    // One answer a connection: no idle ones are left to wait for when the receiver stops.
    response.setHeader('Connection', 'close');
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const path = (request.url ?? '').split('?')[0];
    const isPage = (path === '/healthz' && healthz) || (path === '/metrics' && metrics !== undefined);
    if (!isPage) return answerNoUpgrade(request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return void answer(405, 'expected GET or HEAD\n');
    }
    if (path === '/healthz') return void (stopping() ? answer(503, 'stopping\n') : answer(200, 'ok\n'));
    if (!isFromThisMachine(request, policy)) {
      if (!refuse) return void answer(403, 'expected a request from this machine: metrics are for its operator\n');
      if (refuseHttp(request, response, policy)) return;
    }
    metrics!().then(
      (text) => answer(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
      () => answer(500, 'the metrics could not be read\n'),
    );
  });
}
