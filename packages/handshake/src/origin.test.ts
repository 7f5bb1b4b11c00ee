import { describe, expect, test } from 'vitest';
import { checkedOrigins } from './index.ts';

describe('the origins of a server', () => {
  test.each([
    ['any'],
    ['same-origin'],
    [[]],
    [['same-origin', 'null', 'https://files.example']],
    [['https://FILES.example', 'http://[::1]:8080', 'https://files.example:443', 'chrome-extension://abc']],
  ])('%j are origins', (origins) => {
    expect(checkedOrigins(origins)).toBe(origins);
  });

  test.each<[unknown, string]>([
    ['https://files.example', 'got "https://files.example": write [\'https://files.example\']'],
    ['*', 'got "*": write \'any\''],
    ['null', "write ['null']"],
    ['', 'got ""'],
    [true, 'got boolean'],
    [null, 'got object'],
    [[['https://files.example']], 'got object'],
    [['https://files.example/'], 'got "https://files.example/": write \'https://files.example\''],
    [['https://files.example/a?b'], "write 'https://files.example'"],
    [['files.example'], 'got "files.example": write \'https://files.example\''],
    [['files.example:8080'], "write 'https://files.example:8080'"],
    [['wss://files.example'], "write 'https://files.example'"],
    [['ws://files.example:81'], "write 'http://files.example:81'"],
    [['same-origin', '*'], 'got "*": write origins: \'any\''],
    [['any'], "write origins: 'any'"],
    [['https://*.example'], 'got "https://*.example"'],
    [['https://files.example '], "write 'https://files.example'"],
    [['not one'], 'got "not one"'],
    [['https://'], 'got "https://"'],
  ])('%j are none, and the sentence says what to write', (origins, message) => {
    expect(() => checkedOrigins(origins)).toThrow(TypeError);
    expect(() => checkedOrigins(origins)).toThrow(message);
  });
});
