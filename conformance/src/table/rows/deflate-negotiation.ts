import type { Group } from '../row.ts';
import { replies } from './deflate-answers.ts';
import { offers } from './deflate-offers.ts';

export const deflateNegotiation: Group = { title: 'permessage-deflate, negotiation', rows: [...replies, ...offers] };
