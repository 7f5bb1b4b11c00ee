import { describe, expect, test } from 'vitest';
import {
  CliError,
  explain,
  explainConnect,
  explainFile,
  explainListen,
  explainTransfer,
  systemCode,
} from './errors.ts';
import { ExitCode, worst } from './exit-codes.ts';

function failure(message: string, properties: Record<string, unknown>): Error {
  return Object.assign(new Error(message), properties);
}

/** As a library hands it on: its own error, Node's as the cause. */
function wrapped(systemCode: string, code = 'CANNOT_CONNECT'): Error {
  return failure('cannot connect', { code, cause: failure(systemCode, { code: systemCode, syscall: 'connect' }) });
}

describe('a connection that does not come about', () => {
  const url = 'ws://files.example:1';
  test.each([
    ['nobody listens', wrapped('ECONNREFUSED'), 'NOBODY_LISTENING', 'nobody listens at ws://files.example:1'],
    ['the name is unknown', wrapped('ENOTFOUND'), 'NAME_NOT_FOUND', 'files.example:1 cannot be resolved'],
    ['the resolver does not answer', wrapped('EAI_AGAIN'), 'NAME_NOT_FOUND', 'cannot be resolved'],
    ['nothing comes back', wrapped('ETIMEDOUT'), 'TIMEOUT', 'did not answer in time'],
    ['the handshake takes too long', failure('x', { code: 'TIMEOUT' }), 'TIMEOUT', 'did not answer in time'],
    [
      'an HTTP server is there',
      failure('x', { code: 'UNEXPECTED_STATUS', response: { status: 404, reason: 'Not Found' } }),
      'NOT_WEBSOCKET',
      'it answered with status 404 Not Found',
    ],
    [
      'something else is there',
      failure('SSH-2.0', { code: 'BAD_STATUS_LINE' }),
      'NOT_WEBSOCKET',
      'does not speak HTTP',
    ],
    [
      'the certificate is not trusted',
      wrapped('SELF_SIGNED_CERT_IN_CHAIN', 'TLS_UNTRUSTED'),
      'TLS_UNTRUSTED',
      'not trusted',
    ],
    ['no TLS is spoken', wrapped('EPROTO'), 'NOT_TLS', 'does not speak TLS'],
    ['another reason', failure('what now', { code: 'BAD_ACCEPT' }), 'BAD_ACCEPT', 'what now'],
  ])('%s', (_, error, code, message) => {
    const why = explainConnect(error, url);
    expect(why).toMatchObject({ code, exitCode: ExitCode.CannotConnect });
    expect(why.message).toContain(message);
  });

  test('several addresses were tried: the first reason counts', () => {
    const error = failure('cannot connect', {
      code: 'CANNOT_CONNECT',
      cause: new AggregateError([failure('x', { code: 'ECONNREFUSED', syscall: 'connect' })]),
    });
    expect(explainConnect(error, url).code).toBe('NOBODY_LISTENING');
  });

  test('an untrusted certificate names both ways out', () => {
    const { hint } = explainConnect(wrapped('SELF_SIGNED_CERT_IN_CHAIN', 'TLS_UNTRUSTED'), 'wss://a');
    expect(hint).toMatch(/--ca.*--insecure/);
  });
});

describe('a receiver that cannot start', () => {
  test.each([
    ['EADDRINUSE', 'PORT_IN_USE', '127.0.0.1:80 is in use'],
    ['EACCES', 'PORT_NOT_ALLOWED', 'not permitted'],
    ['EADDRNOTAVAIL', 'BAD_HOST', 'no address of this machine'],
  ])('%s', (system, code, message) => {
    const why = explainListen(wrapped(system, 'CANNOT_LISTEN'), '127.0.0.1', 80);
    expect(why).toMatchObject({ code, exitCode: ExitCode.Failed });
    expect(why.message).toContain(message);
  });
});

describe('a transfer that fails', () => {
  const transferError = (code: string, side: 'local' | 'peer', cause?: unknown) =>
    failure(`because ${code}`, { code, side, cause });

  test.each(['EXISTS', 'BAD_NAME', 'TOO_LARGE', 'NO_SPACE', 'FORBIDDEN', 'TOO_MANY_TRANSFERS', 'SHUTTING_DOWN'])(
    '%s from the receiver is a refusal: exit 4',
    (code) => expect(explainTransfer(transferError(code, 'peer'))).toMatchObject({ code, exitCode: ExitCode.Refused }),
  );

  test('the same code from this side is no refusal', () => {
    expect(explainTransfer(transferError('BAD_NAME', 'local')).exitCode).toBe(ExitCode.Failed);
  });

  test.each(['local', 'peer'] as const)('a wrong digest found by %s: exit 5', (side) => {
    expect(explainTransfer(transferError('DIGEST_MISMATCH', side)).exitCode).toBe(ExitCode.DigestMismatch);
  });

  test.each(['SOURCE_CHANGED', 'CONNECTION_LOST', 'STORAGE_FAILED', 'CANCELLED', 'INTERNAL'])('%s: exit 1', (code) => {
    expect(explainTransfer(transferError(code, 'local'))).toMatchObject({ code, exitCode: ExitCode.Failed });
  });

  test.each([
    ['ENOENT', 'no such file'],
    ['EISDIR', 'is a directory'],
    ['EACCES', 'may not be read by you'],
  ])('a source with %s: %s', (code, message) => {
    expect(explainFile(transferError('SOURCE_FAILED', 'local', failure(code, { code, syscall: 'open' }))).message).toBe(
      message,
    );
  });
});

test('a fault of ours is called one, without a stack', () => {
  const why = explain(new TypeError('x is not a function'));
  expect(why).toMatchObject({ code: 'INTERNAL', exitCode: ExitCode.Failed });
  expect(why.message).not.toContain('\n');
});

test('what is explained already stays as it is', () => {
  const error = new CliError('CODE', 'message', ExitCode.Usage, { hint: 'hint' });
  const expected = { code: 'CODE', message: 'message', hint: 'hint', exitCode: ExitCode.Usage };
  for (const why of [
    explain(error),
    explainConnect(error, 'x'),
    explainListen(error, 'x', 1),
    explainTransfer(error),
  ]) {
    expect(why).toEqual(expected);
  }
});

test("the transfer code EXISTS is not taken for one of Node's", () => {
  expect(systemCode(failure('x', { code: 'EXISTS' }))).toBeUndefined();
  expect(systemCode('no error at all')).toBeUndefined();
});

test('of several failures a wrong digest weighs most, and only refusals alone are 4', () => {
  expect(worst([])).toBe(0);
  expect(worst([4, 4])).toBe(4);
  expect(worst([4, 1])).toBe(1);
  expect(worst([1, 5, 4])).toBe(5);
});
