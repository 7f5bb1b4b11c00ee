import { connect, listen } from '@wsferry/connection';
import { pipeCompliance } from './pipe-compliance.ts';

pipeCompliance("@wsferry/connection's Connection", async () => {
  let accepted!: (connection: Awaited<ReturnType<typeof connect>>) => void;
  const far = new Promise<Awaited<ReturnType<typeof connect>>>((resolve) => {
    accepted = resolve;
  });
  const listener = await listen({ port: 0, protocols: ['wsferry.v1'] }, (connection) => accepted(connection));
  const near = await connect(listener.url, { protocols: ['wsferry.v1'] });
  return { near, far: await far, done: () => listener.close({ timeoutMs: 500 }) };
});
