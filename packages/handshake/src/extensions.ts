import { HandshakeError, shown } from './errors.ts';
import { isToken } from './headers.ts';

/** One extension with its parameters in order, as offered or as accepted (RFC 6455 §9.1). */
export interface ExtensionOffer {
  readonly name: string;
  readonly params: ReadonlyArray<readonly [name: string, value: string | true]>;
}

/**
 * Reads a `Sec-WebSocket-Extensions` value (RFC 6455 §9.1; lists as in RFC 7230 §7: empty elements are skipped, but one
 * element must be there). A quoted value must be a token once unquoted. Reads every character once.
 *
 * @throws HandshakeError BAD_EXTENSIONS (status 400)
 */
export function parseExtensions(value: string): ExtensionOffer[] {
  const scanner = new Scanner(value);
  const offers: ExtensionOffer[] = [];
  while (!scanner.atEnd()) {
    if (scanner.take(',')) continue;
    const name = scanner.token();
    const params: [string, string | true][] = [];
    while (scanner.take(';')) {
      const param = scanner.token();
      params.push([param, scanner.take('=') ? scanner.tokenOrQuoted() : true]);
    }
    offers.push({ name, params });
    if (!scanner.atEnd() && !scanner.take(',')) scanner.fail('"," or ";"');
  }
  if (offers.length === 0) scanner.fail('at least one extension');
  return offers;
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipOws();
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    this.#skipOws();
    return true;
  }

  token(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && isToken(this.#text[this.#at]!)) this.#at++;
    if (this.#at === start) this.fail('a token');
    const token = this.#text.slice(start, this.#at);
    this.#skipOws();
    return token;
  }

  tokenOrQuoted(): string {
    if (this.#text[this.#at] !== '"') return this.token();
    let value = '';
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++;
      if (this.atEnd()) this.fail('a closing quote');
      value += this.#text[this.#at];
    }
    this.#at++;
    if (!isToken(value)) this.fail('a token inside the quotes');
    this.#skipOws();
    return value;
  }

  fail(expected: string): never {
    const message = `expected ${expected} at character ${this.#at} of Sec-WebSocket-Extensions, got ${shown(this.#text)}`;
    throw new HandshakeError('BAD_EXTENSIONS', `${message} (RFC 6455 §9.1)`, { status: 400 });
  }

  #skipOws(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }
}
