import { printable } from '@wsferry/transfer';
import { clearFinished, isUnfinished, link, type Progress, type Upload, unfinished, uploads } from './store.ts';
import { bytes, duration, perSecond } from './words.ts';

/** What this tab sends and has sent. */
export function Uploads() {
  const list = uploads.value;
  const anyEnded = list.length > unfinished.value;
  return (
    <section aria-labelledby="uploads-title">
      <div class="head">
        <h2 id="uploads-title">From this tab</h2>
        {anyEnded && (
          <button type="button" class="quiet" onClick={clearFinished}>
            Clear finished
          </button>
        )}
      </div>
      {list.length === 0 ? (
        <p class="empty">Nothing has been sent from here yet.</p>
      ) : (
        <ul class="list">
          {list.map((upload) => (
            <Row key={upload.key} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ upload }: { readonly upload: Upload }) {
  const progress = upload.progress.value;
  const name = printable(upload.name);
  const share = crossed(progress, upload.size);
  return (
    <li class="upload" data-state={progress.state}>
      <div class="line">
        <span class="name" title={name}>
          <bdi>{name}</bdi>
        </span>
        <span class="state">{stateInWords(progress, upload)}</span>
        {progress.state === 'sending' && (
          <button
            type="button"
            class="cancel"
            aria-label={`${upload.paused.value === 'local' ? 'Continue' : 'Pause'} ${name}`}
            title={upload.paused.value === 'local' ? 'Continue' : 'Pause'}
            onClick={upload.togglePause}
          >
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
              <path d={upload.paused.value === 'local' ? 'M5 3l7 5-7 5z' : 'M5 3v10M11 3v10'} />
            </svg>
          </button>
        )}
        {isUnfinished(progress) && (
          <button type="button" class="cancel" aria-label={`Cancel ${name}`} title="Cancel" onClick={upload.cancel}>
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
              <path d="M3 3l10 10M13 3L3 13" />
            </svg>
          </button>
        )}
      </div>
      <div
        class="crossing"
        role="progressbar"
        aria-label={`${name}, stored by the receiver`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(share * 100)}
      >
        {/* Set through the DOM, not as an attribute: the Content-Security-Policy allows no inline styles. */}
        <span class="wake" style={{ width: `${share * 100}%` }} />
        <span class="boat" style={{ left: `${share * 100}%`, translate: `${share * -100}%` }} />
      </div>
      <Details progress={progress} upload={upload} />
    </li>
  );
}

function Details({ progress, upload }: { readonly progress: Progress; readonly upload: Upload }) {
  const { size, name } = upload;
  switch (progress.state) {
    case 'waiting':
      return <p class="details">{bytes(size)}</p>;
    case 'sending':
      return (
        <p class="details">
          <span>
            {bytes(progress.stored)} of {bytes(size)} stored
            {wentOn(upload)}
          </span>
          {isMoving(upload) && progress.bytesPerSecond !== undefined && (
            <span class="pace">{pace(size - progress.stored, progress.bytesPerSecond)}</span>
          )}
        </p>
      );
    case 'verified':
      return (
        <p class="details">
          <span>
            {bytes(size)}
            {progress.existing && ', was there already'}
            {wentOn(upload)}
            {progress.storedAs !== name && (
              <>
                , stored as <bdi>{printable(progress.storedAs)}</bdi>
              </>
            )}
          </span>
          <code class="digest" title={`MD5 ${progress.digest}`}>
            {progress.digest}
          </code>
        </p>
      );
    case 'cancelled':
      return <p class="details">The receiver keeps what it has for a while: sent again, it goes on there.</p>;
    case 'failed':
      return <p class="details reason">{progress.reason}</p>;
  }
}

function pace(left: number, bytesPerSecond: number): string {
  if (bytesPerSecond < 1) return 'waiting for the receiver';
  return `${perSecond(bytesPerSecond)}, ${duration((left / bytesPerSecond) * 1000)} left`;
}

function isMoving(upload: Upload): boolean {
  return link.value.state === 'open' && upload.paused.value === undefined;
}

function wentOn({ resumedAt, size }: Upload): string {
  return resumedAt.value === undefined ? '' : `, went on at ${percent(resumedAt.value, size)}`;
}

/** `40.7 %` */
function percent(part: number, whole: number): string {
  return `${Math.floor((part / Math.max(1, whole)) * 1000) / 10} %`;
}

function stateInWords(progress: Progress, upload: Upload): string {
  switch (progress.state) {
    case 'waiting':
      return 'in line';
    case 'sending':
      if (link.value.state !== 'open')
        return `line lost at ${percent(progress.stored, upload.size)}, goes on by itself`;
      if (upload.paused.value !== undefined)
        return upload.paused.value === 'local' ? 'paused' : 'paused by the receiver';
      return progress.compared === undefined ? 'sending' : 'comparing';
    case 'verified':
      return '✓ MD5 verified';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return 'failed';
  }
}

/** The part of the way that is behind it, 0 to 1. */
function crossed(progress: Progress, size: number): number {
  if (progress.state === 'verified') return 1;
  if (progress.state !== 'sending' || size === 0) return 0;
  return Math.min(1, progress.stored / size);
}
