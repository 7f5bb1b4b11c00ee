import { answerText } from '../peer/http.ts';
import type { AnswerRow } from '../row.ts';

export type Extra = Partial<Omit<AnswerRow, 'id' | 'clause' | 'rule' | 'kind'>>;
export type Changes = Parameters<typeof answerText>[1] | ((key: string) => string);

export function row(
  id: string,
  clause: string,
  rule: string,
  outcome: AnswerRow['outcome'],
  changes: Changes,
  extra: Extra = {},
): AnswerRow {
  const answer = typeof changes === 'function' ? changes : (key: string) => answerText(key, changes);
  return { kind: 'answer', id, clause: `RFC ${clause}`, rule, outcome, answer, ...extra };
}

export const opens = (id: string, clause: string, rule: string, changes: Changes = {}, extra: Extra = {}) =>
  row(id, clause, rule, 'opens', changes, extra);
export const rejects = (id: string, clause: string, rule: string, error: string, changes: Changes, extra: Extra = {}) =>
  row(id, clause, rule, { error }, changes, extra);
