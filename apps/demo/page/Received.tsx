import { printable } from '@wsferry/transfer';
import { download, pathOf, token } from './access.ts';
import { type Arrival, arrivals, keptArrivals, notice, whereOf } from './store.ts';
import { bytes } from './words.ts';

/** What the server has received from anybody, the latest first; every open tab hears of a new file at once. */
export function Received() {
  const list = arrivals.value;
  return (
    <section aria-labelledby="received-title">
      <div class="head">
        <h2 id="received-title">Arrived, from anyone</h2>
        {list.length > 0 && <span class="count">{count(list.length)}</span>}
      </div>
      {list.length === 0 ? (
        <p class="empty">The first file to arrive shows up here, in every open tab.</p>
      ) : (
        <ul class="list">
          {list.map((arrival) => (
            <Row key={`${arrival.at} ${whereOf(arrival)}`} arrival={arrival} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** A full list has most likely lost older ones. */
function count(files: number): string {
  if (files >= keptArrivals) return `latest ${files}`;
  return files === 1 ? '1 file' : `${files} files`;
}

function Row({ arrival }: { readonly arrival: Arrival }) {
  const name = printable(whereOf(arrival));
  const fetchIt = (event: Event) => {
    if (token.value === undefined) return;
    event.preventDefault();
    download(arrival).catch((error: Error) => {
      notice.value = `${name} cannot be fetched: ${error.message}`;
    });
  };
  return (
    <li class="arrival" data-fresh={arrival.fresh}>
      <div class="line">
        <a class="name" href={`./files/${pathOf(arrival)}`} download={arrival.name} title={name} onClick={fetchIt}>
          <bdi>{name}</bdi>
        </a>
        <time class="state" dateTime={new Date(arrival.at).toISOString()}>
          {(isToday(arrival.at) ? time : date).format(arrival.at)}
        </time>
      </div>
      <p class="details">
        <span>
          {bytes(arrival.size)}
          {arrival.existing && ', sent again, was there already'}
        </span>
        <code class="digest" title={`${arrival.algorithm.toUpperCase()} ${arrival.digest}`}>
          {arrival.digest}
        </code>
      </p>
    </li>
  );
}

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const isToday = (at: number) => new Date(at).toDateString() === new Date().toDateString();
