/** wsferry through its public API, as a user would write it. Arguments: echo | strings | push, deflate? */
import { type Connection, listen } from '@wsferry/connection';
import { collectGarbage, control } from './control.ts';

const [mode, deflate] = process.argv.slice(2);

const text = mode === 'strings' ? 'string' : 'bytes'; // ws gives bytes, too
const listener = await listen({ port: 0, deflate: deflate === 'deflate', text }, (connection: Connection) => {
  connection.onMessage =
    mode === 'push'
      ? (data) => {
          for (const each of listener.connections) each.send(data);
        }
      : (data) => {
          connection.send(data, { transfer: true });
        };
});
control(listener.port, collectGarbage);
