import { requestText } from '../peer/http.ts';
import type { RequestRow } from '../row.ts';

export type Options = Partial<Omit<RequestRow, 'id' | 'clause' | 'rule' | 'request' | 'kind'>>;
export type Request = Parameters<typeof requestText>[0] | string;

export function row(
  id: string,
  clause: string,
  rule: string,
  status: number,
  request: Request,
  extra: Options = {},
): RequestRow {
  const whole = typeof request === 'string' ? request : requestText(request);
  return { kind: 'request', id, clause: `RFC ${clause}`, rule, status, request: whole, ...extra };
}

export const opens = (id: string, clause: string, rule: string, request: Request = {}, extra: Options = {}) =>
  row(id, clause, rule, 101, request, extra);

export const manyFields = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: y\r\n`).join('');
