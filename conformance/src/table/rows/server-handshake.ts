import type { Group } from '../row.ts';
import { accepted } from './server-accepts.ts';
import { smuggling, tooMuch } from './server-malformed.ts';
import { refused } from './server-refuses.ts';

export const serverHandshake: Group = {
  title: 'Opening handshake, server',
  rows: [...accepted, ...refused, ...smuggling, ...tooMuch],
};
