import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { checkedListenOptions } from './checked-server-options.ts';
import { type ListenOptions, listen, takeOver } from './index.ts';

const ignore = () => {};

describe('options of a server', () => {
  test.each<[ListenOptions]>([
    [{}],
    [{ port: 0, host: '127.0.0.1' }],
    [{ port: 65_535, origins: ['same-origin', 'https://files.example'] }],
    [{ trustedProxies: ['127.0.0.1', 'fd00::/8', 'unix'] }],
    [{ socketPath: '/run/a.sock', refuse: () => undefined, onRefused: ignore, onError: ignore }],
  ])('%o are fine', (options) => {
    checkedListenOptions(options, ignore);
  });

  const policy: [unknown, string][] = [
    [{ origins: 'https://files.example' }, "write ['https://files.example']"],
    [{ origins: ['https://files.example/'] }, "write 'https://files.example'"],
    [{ refuse: true }, 'expected refuse to be a function, got true'],
    [{ trustedProxies: '127.0.0.1' }, "such as ['127.0.0.1', '10.0.0.0/8', 'unix'], got string"],
    [{ trustedProxies: ['nginx'] }, 'got "nginx" in it'],
    [{ selectProtocol: 'chat' }, 'expected selectProtocol to be a function, got "chat"'],
    [null, 'expected options to be an object such as { port: 8080 }, got null'],
    [ignore, 'expected options to be an object such as { port: 8080 }, got a function'],
  ];
  test.each<[unknown, string]>([
    ...policy,
    [{ onRefused: {} }, 'expected onRefused to be a function, got an object'],
    [{ onError: [] }, 'expected onError to be a function, got a list'],
    [{ port: '8080' }, 'expected port to be a whole number from 0 to 65535, got "8080"'],
    [{ port: 65_536 }, 'got 65536'],
    [{ port: -1 }, 'got -1'],
    [{ port: 1.5 }, 'got 1.5'],
    [{ host: '' }, 'expected host to be a name or an address, got ""'],
    [{ socketPath: '' }, 'expected socketPath to be a path, got ""'],
    [{ port: 0, socketPath: '/run/a.sock' }, 'expected either port or socketPath, got 0 and /run/a.sock'],
    [8080, 'expected options to be an object such as { port: 8080 }, got 8080'],
    [undefined, 'got undefined'],
  ])('%o are BAD_ARGUMENT: %s', (options, message) => {
    const refused = expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) });
    expect(() => checkedListenOptions(options, ignore)).toThrow(refused);
  });

  test.each(policy)('%o are BAD_ARGUMENT for listen, which then takes no port', async (options, message) => {
    const refused = { code: 'BAD_ARGUMENT', message: expect.stringContaining(message) };
    await expect(listen(options as ListenOptions, ignore)).rejects.toMatchObject(refused);
  });

  test('without a function for the connections are BAD_ARGUMENT', () => {
    const message = 'expected onConnection to be a function, got undefined';
    expect(() => checkedListenOptions({}, undefined)).toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT', message }),
    );
  });

  test.each(policy)('%o are BAD_ARGUMENT for takeOver too', async (options, message) => {
    const socket = new Socket();
    const taken = takeOver(new IncomingMessage(socket), socket, new Uint8Array(), options as ListenOptions);
    await expect(taken).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) });
  });
});
