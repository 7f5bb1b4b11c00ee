import { describe, expect, test } from 'vitest';
import { basicAuthorization, createKey, createRequest, type HeaderList, headerValues } from './index.ts';

const sent = (url: string, headers: HeaderList = []) =>
  headerValues(createRequest({ url: new URL(url), key: createKey(), headers }).headers, 'authorization');
const decoded = (url: string) => {
  const [value = ''] = sent(url);
  expect(value).toMatch(/^Basic [A-Za-z0-9+/]+=*$/);
  return Buffer.from(value.slice(6), 'base64');
};

describe('user information in the URL', () => {
  test.each([
    ['ws://Aladdin:open%20sesame@x/', 'Aladdin:open sesame'],
    ['wss://test:123%C2%A3@x/', 'test:123£'],
    ['wss://tëst:päss😀@x/', 'tëst:päss😀'],
    ['ws://name@x/', 'name:'],
    ['ws://:secret@x/', ':secret'],
    ['ws://a:b:c@x/', 'a:b:c'],
    ['ws://a:%3Ab@x/', 'a::b'],
    ['ws://a:p%40s%2Fs%25@x/', 'a:p@s/s%'],
    ['ws://a:100%@x/', 'a:100%'],
    ['ws://a:%zz%4@x/', 'a:%zz%4'],
    ['ws://a+b:c+d@x/', 'a+b:c+d'],
  ])('%s becomes Authorization: Basic', (url, pair) => {
    expect(decoded(url).toString('utf8')).toBe(pair);
  });

  test("is RFC 7617's own example", () => {
    expect(sent('ws://Aladdin:open%20sesame@x/')).toEqual(['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==']);
    expect(sent('ws://test:123%C2%A3@x/')).toEqual(['Basic dGVzdDoxMjPCow==']);
  });

  test('that is not UTF-8 goes as the bytes it stands for', () => {
    expect([...decoded('ws://a:%FF%C3@x/')]).toEqual([0x61, 0x3a, 0xff, 0xc3]);
  });

  test('is not there: nothing is sent', () => {
    expect(sent('ws://x/')).toEqual([]);
    expect(sent('ws://:@x/')).toEqual([]);
    expect(basicAuthorization(new URL('http://x'))).toBeUndefined();
  });

  test("gives way to the caller's Authorization", () => {
    expect(sent('ws://a:b@x/', [['AUTHORIZATION', 'Bearer t']])).toEqual(['Bearer t']);
  });

  test.each(['ws://se%3Acret:pw@x/', 'ws://secret:a%0D%0ab@x/', 'ws://secret%00:pw@x/', 'ws://a:secret%7F@x/'])(
    'that RFC 7617 does not allow is BAD_CREDENTIALS, and not shown: %s',
    (url) => {
      expect(() => sent(url)).toThrow(expect.objectContaining({ code: 'BAD_CREDENTIALS' }));
      expect(() => sent(url)).not.toThrow(/secret|cret|pw/);
    },
  );

  test('appears nowhere else in the request', () => {
    const request = createRequest({ url: new URL('ws://user:secret@x/path'), key: createKey() });
    const { headers, ...line } = request;
    expect(JSON.stringify([line, headers.filter(([name]) => name !== 'Authorization')])).not.toMatch(/user|secret/);
  });
});
