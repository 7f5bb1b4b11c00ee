import { useEffect, useState } from 'preact/hooks';
import { retryNow } from './connection.ts';
import { link } from './store.ts';

/** Whether the page's WebSocket is open; while it is not, when the next attempt comes. */
export function Status() {
  const now = link.value;
  return (
    <div class="status" data-state={now.state} role="status">
      <span class="lamp" aria-hidden="true" />
      {now.state === 'open' && (
        <span>
          Connected to <b>{location.host}</b>
        </span>
      )}
      {now.state === 'connecting' && <span>Connecting…</span>}
      {now.state === 'locked' && <span>Waiting for a token</span>}
      {now.state === 'lost' && (
        <>
          <span>
            No connection
            <Countdown until={now.retryAt} />
          </span>
          <button type="button" class="quiet" onClick={retryNow}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}

function Countdown({ until }: { readonly until: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((until - now) / 1000);
  // Not for screen readers: a number that changes every second would drown everything else.
  return <span aria-hidden="true">{seconds > 1 ? `, next try in ${seconds} s` : ', trying again'}</span>;
}
