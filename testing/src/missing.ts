import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const probes = {
  chromium: () => existsSync('/usr/bin/chromium'),
  nginx: () => existsSync('/usr/sbin/nginx'),
  /** Root on Linux, who may make namespaces and links between them. */
  'network-namespaces': () => spawnSync('ip', ['netns', 'list']).status === 0 && process.getuid?.() === 0,
  'systemd-analyze': () => spawnSync('systemd-analyze', ['--version']).status === 0,
  python3: () => existsSync('/usr/bin/python3'),
  'python-websockets': () => spawnSync('/usr/bin/python3', ['-c', 'import websockets']).status === 0,
} as const;

/**
 * Why a test that needs `part` must be skipped, or `false` when the part is here. In CI (WSFERRY_REQUIRE_ALL set) a
 * missing part is an error: there, nothing may be skipped.
 */
export function missing(part: keyof typeof probes): string | false {
  if (probes[part]()) return false;
  const reason = `${part} is not here: tests that need it are skipped`;
  if (process.env['WSFERRY_REQUIRE_ALL']) throw new Error(reason);
  console.warn(reason);
  return reason;
}
