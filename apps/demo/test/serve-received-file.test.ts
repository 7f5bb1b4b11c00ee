import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveReceivedFile } from '../server/serve-received-file.ts';

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: Server;

beforeAll(async () => {
  folder = await temporaryDirectory();
  const dir = join(folder.path, 'received');
  await mkdir(join(dir, '.wsferry'), { recursive: true });
  await mkdir(join(dir, 'folder'));
  await writeFile(join(folder.path, 'secret'), 'secret');
  await writeFile(join(dir, '.hidden'), 'hidden');
  await writeFile(join(dir, 'page (1).html'), '<script>alert(1)</script>');
  await writeFile(join(dir, 'empty'), '');
  await symlink(join(folder.path, 'secret'), join(dir, 'link'));
  await mkdir(join(folder.path, 'outside'));
  await writeFile(join(folder.path, 'outside', 'a.txt'), 'secret');
  await symlink(join(folder.path, 'outside'), join(dir, 'linked'));
  await mkdir(join(dir, 'folder', 'été'));
  await writeFile(join(dir, 'folder', 'été', 'a.txt'), 'in a folder');
  await writeFile(join(dir, 'a.txt'), 'in none');
  server = createServer((incoming, response) => void serveReceivedFile(dir, incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server.close();
  await folder.remove();
});

/** The path goes out as it stands: `fetch` would tidy it up first. */
async function ask(path: string, method = 'GET') {
  const { port } = server.address() as AddressInfo;
  const outgoing = request({ host: '127.0.0.1', port, path, method, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

test('a reader gets a received file as a download under its name', async () => {
  const { status, headers, body } = await ask('/files/page%20(1).html');
  expect(status).toBe(200);
  expect(headers['content-disposition']).toBe("attachment; filename*=UTF-8''page%20%281%29.html");
  expect(headers['content-type']).toBe('application/octet-stream');
  expect(body).toBe('<script>alert(1)</script>');
});

test('a file in folders is another one than its namesake outside of them', async () => {
  const { status, headers, body } = await ask(`/files/folder/${encodeURIComponent('été')}/a.txt?ticket=x`);
  expect({ status, body }).toEqual({ status: 200, body: 'in a folder' });
  expect(headers['content-disposition']).toBe("attachment; filename*=UTF-8''a.txt");
  expect(await ask('/files/a.txt')).toMatchObject({ status: 200, body: 'in none' });
});

test('an empty file is served as what it is, and HEAD tells the length alone', async () => {
  expect(await ask('/files/empty')).toMatchObject({ status: 200, body: '' });
  expect(await ask('/files/page%20(1).html', 'HEAD')).toMatchObject({ body: '', headers: { 'content-length': '25' } });
});

test.each([
  '/files/',
  '/files/nothing',
  '/files/../secret',
  '/files/..%2fsecret',
  '/files/%2e%2e%2fsecret',
  '/files/..%5csecret',
  '/files/folder',
  '/files/folder%2f..%2f..%2fsecret',
  '/files/link',
  '/files/linked/a.txt',
  '/files/folder/../../secret',
  '/files/folder/%2e%2e/%2e%2e/secret',
  '/files/folder//a.txt',
  '/files/folder/',
  '/files//a.txt',
  '/files/folder%2fa.txt',
  '/files/.wsferry/a.txt',
  '/files/.hidden',
  '/files/.wsferry',
  '/files/empty%00',
  '/files/%ff',
])('%s is answered with 404', async (path) => {
  expect((await ask(path)).status).toBe(404);
});

test('any other method is answered with 405', async () => {
  expect(await ask('/files/empty', 'DELETE')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
});
