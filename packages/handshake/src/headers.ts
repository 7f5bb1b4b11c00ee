import type { HeaderList } from './head.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether `text` is a token (RFC 7230 §3.2.6), the grammar of header names, subprotocols and extension names. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Every value of the header `name`, in order. Names are compared without case (RFC 7230 §3.2). */
export function headerValues(headers: HeaderList, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const [key, value] of headers) {
    // The length tells most names apart, and costs nothing.
    if (key.length === wanted.length && key.toLowerCase() === wanted) values.push(value);
  }
  return values;
}

/** The header `name`: its values joined by ", " as RFC 7230 §3.2.2 allows, or `undefined` when it is absent. */
export function header(headers: HeaderList, name: string): string | undefined {
  const values = headerValues(headers, name);
  return values.length === 0 ? undefined : values.join(', ');
}

/** The elements of a comma-separated list, without the white space around them and without empty ones (RFC 7230 §7). */
export function tokens(value: string): string[] {
  const list: string[] = [];
  for (const part of value.split(',')) {
    const element = trimOws(part);
    if (element !== '') list.push(element);
  }
  return list;
}

/** Whether one of the headers `name` lists `token`, compared without case. `token` is given in lower case. */
export function listsToken(headers: HeaderList, name: string, token: string): boolean {
  return headerValues(headers, name).some((value) => tokens(value).some((one) => one.toLowerCase() === token));
}

/** From `from` on, without spaces and tabs at both ends. By hand: `trim()` takes more, and a pattern for the end is not linear. */
export function trimOws(text: string, from = 0): string {
  let start = from;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
