import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, listen } from '@wsferry/connection';
import { missing, temporaryDirectory } from '@wsferry/testing';
import {
  type Accept,
  type FileShelf,
  type FileSource,
  memoryReceiver,
  openSession,
  SUBPROTOCOL,
  type TransferEvent,
} from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { Terminal } from './terminal.ts';

const SIZE = 20_000_000;

/** A receiver that neither writes nor reads more than the first part of a file until its gate is open. */
async function slowReceiver() {
  const memory = memoryReceiver();
  const connections: Connection[] = [];
  const events: TransferEvent[] = [];
  let heard = () => {};
  let open = () => {};
  let gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const accept: Accept = async (offer, control) => {
    const held = await memory.accept(offer, control);
    let parts = 0;
    const write: typeof held.sink.write = async (bytes) => {
      if (parts++ > 0) await gate;
      await held.sink.write(bytes);
    };
    return { ...held, sink: { ...held.sink, write } };
  };
  const shelf: FileShelf = {
    ...memory.shelf,
    file: async (name, folder) => {
      const source = await memory.shelf.file(name, folder);
      const open: FileSource['open'] = async (options) => {
        const opened = await source.open(options);
        let parts = 0;
        const read = async () => {
          if (parts++ > 0) await gate;
          return opened.read();
        };
        return { ...opened, read };
      };
      return { ...source, open };
    },
  };
  const listener = await listen({ host: '127.0.0.1', port: 0, protocols: [SUBPROTOCOL] }, (connection) => {
    connections.push(connection);
    openSession(connection, {
      role: 'acceptor',
      accept,
      shelf,
      onTransfer: (event) => {
        events.push(event);
        heard();
      },
    });
  });
  return {
    url: listener.url,
    files: memory.files,
    connections,
    open: () => open(),
    close: () => {
      gate = new Promise<void>((resolve) => {
        open = resolve;
      });
    },
    until: async (type: TransferEvent['type']) => {
      while (!events.some((event) => event.type === type)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
    [Symbol.asyncDispose]: () => listener.close({ timeoutMs: 100 }),
  };
}

async function atTerminal(here: string) {
  await writeFile(join(here, 'big.bin'), '');
  await truncate(join(here, 'big.bin'), SIZE);
  const terminal = await Terminal.open(here);
  terminal.type('stty -g > before; echo ke""pt\n');
  await terminal.shows(/kept/);
  /** Whether the terminal is as it was before. */
  const asBefore = async () => {
    terminal.type('stty -g > after; echo loo""ked\n');
    await terminal.shows(/looked/);
    expect(await readFile(join(here, 'after'), 'utf8')).toBe(await readFile(join(here, 'before'), 'utf8'));
  };
  return { terminal, asBefore };
}

describe.skipIf(missing('python3'))('at a terminal, while send shows its progress', () => {
  test('p holds all files back, and p again goes on', async () => {
    await using here = await temporaryDirectory();
    await using receiver = await slowReceiver();
    const { terminal, asBefore } = await atTerminal(here.path);
    await using _ = terminal;
    terminal.type(`wsferry send big.bin --to ${receiver.url}; echo "exit=$?"\n`);
    await terminal.shows(/ \/ 20 MB/);
    terminal.type('p');
    await terminal.shows(/paused .*big\.bin\s+paused: p goes on/);
    await receiver.until('paused');
    receiver.open();
    terminal.type('p');
    await receiver.until('continued');
    await terminal.shows(/stored|✔/);
    await terminal.shows(/exit=0/);
    expect(receiver.files.get('big.bin')).toHaveLength(SIZE);
    await asBefore();
  });

  test('Ctrl-C still ends it, and the terminal is as it was', async () => {
    await using here = await temporaryDirectory();
    await using receiver = await slowReceiver();
    const { terminal, asBefore } = await atTerminal(here.path);
    await using _ = terminal;
    terminal.type(`wsferry send big.bin --to ${receiver.url}; echo "exit=$?"\n`);
    await terminal.shows(/ \/ 20 MB/);
    terminal.type('\u0003');
    await terminal.shows(/stopping/);
    receiver.open();
    await terminal.shows(/exit=130/);
    await asBefore();
  });

  test('Ctrl-Z stops it, and fg goes on where it was, although the line was given up meanwhile', async () => {
    await using here = await temporaryDirectory();
    await using receiver = await slowReceiver();
    const { terminal, asBefore } = await atTerminal(here.path);
    await using _ = terminal;
    terminal.type(`wsferry send big.bin --to ${receiver.url}\n`);
    await terminal.shows(/ \/ 20 MB/);
    await receiver.until('progress');
    terminal.type('\u001a');
    await terminal.shows(/Stopped/);
    await asBefore();
    receiver.open();
    receiver.connections[0]!.abort();
    await receiver.until('failed');
    receiver.close();
    terminal.type('fg; echo "exit=$?"\n');
    await terminal.shows(/line lost/);
    await terminal.shows(/resumed big\.bin at/);
    // The keys are back, too.
    terminal.type('p');
    await terminal.shows(/paused: p goes on/);
    receiver.open();
    terminal.type('p');
    await terminal.shows(/exit=0/);
    expect(receiver.connections).toHaveLength(2);
    expect(receiver.files.get('big.bin')).toHaveLength(SIZE);
    await asBefore();
  });

  test('in the background, or behind a pipe, the keyboard is left alone', async () => {
    await using here = await temporaryDirectory();
    await using receiver = await slowReceiver();
    receiver.open();
    const { terminal, asBefore } = await atTerminal(here.path);
    await using _ = terminal;
    // Whoever sets a terminal's mode from the background is stopped, and would not be waited for.
    terminal.type(`wsferry send big.bin --to ${receiver.url} & wait $!; echo "exit=$?"\n`);
    await terminal.shows(/exit=0/);
    terminal.type(`echo ppp | wsferry send big.bin --to ${receiver.url}; echo "exit=$?"\n`);
    await terminal.shows(/already there, identical/);
    await terminal.shows(/exit=0/);
    await asBefore();
  });
});

test.skipIf(missing('python3'))('get shows its progress at a terminal, and p holds it back', async () => {
  await using here = await temporaryDirectory();
  await using receiver = await slowReceiver();
  receiver.files.set('film.bin', new Uint8Array(SIZE));
  const { terminal, asBefore } = await atTerminal(here.path);
  await using _ = terminal;
  terminal.type(`wsferry get film.bin --from ${receiver.url}; echo "exit=$?"\n`);
  await terminal.shows(/ \/ 20 MB/);
  terminal.type('p');
  await terminal.shows(/paused: p goes on/);
  receiver.open();
  terminal.type('p');
  await terminal.shows(/exit=0/);
  await asBefore();
});
