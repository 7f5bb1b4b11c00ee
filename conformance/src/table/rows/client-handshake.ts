import type { Group } from '../row.ts';
import { answers } from './client-answers.ts';
import { broken } from './client-malformed.ts';
import { request } from './client-request.ts';

export const clientHandshake: Group = { title: 'Opening handshake, client', rows: [...request, ...answers, ...broken] };
