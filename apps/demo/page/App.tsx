import { token } from './access.ts';
import { DropZone } from './DropZone.tsx';
import { Gate } from './Gate.tsx';
import { Received } from './Received.tsx';
import { Status } from './Status.tsx';
import { announcement, link } from './store.ts';
import { Uploads } from './Uploads.tsx';

export function App() {
  return (
    <>
      <header class="bar">
        <h1 class="wordmark">
          <img src="./ferry.svg" alt="" width="34" height="34" />
          wsferry
        </h1>
        <Status />
      </header>
      <main>
        {link.value.state === 'locked' ? <Gate /> : <DropZone />}
        <div class="shores">
          <Uploads />
          <Received />
        </div>
      </main>
      <ShellHint />
      <p class="spoken" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}

/** The very same from a shell: what it sends appears in this page. */
function ShellHint() {
  // 6455 on this machine is where `send` looks by itself.
  const found = location.port === '6455' && location.hostname === '127.0.0.1';
  const to = found ? '' : ` --to ${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
  const env = token.value === undefined ? '' : 'WSFERRY_TOKEN=… ';
  return (
    <footer class="hint">
      From a shell, into this same list:{' '}
      <code>
        {env}npx -y pnpm@12.21.0 --filter cli start send FILE{to}
      </code>
    </footer>
  );
}
