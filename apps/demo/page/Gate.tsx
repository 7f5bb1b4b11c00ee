import { useEffect, useRef } from 'preact/hooks';
import { enter } from './connection.ts';
import { link } from './store.ts';

/** Asks for the token that the server wants; it stays in this tab. */
export function Gate() {
  const field = useRef<HTMLInputElement>(null);
  const now = link.value;
  useEffect(() => {
    // A file that is dropped here would take the place of the page.
    const refuse = (event: DragEvent) => event.preventDefault();
    for (const type of ['dragover', 'drop'] as const) addEventListener(type, refuse);
    return () => {
      for (const type of ['dragover', 'drop'] as const) removeEventListener(type, refuse);
    };
  }, []);
  if (now.state !== 'locked') return null;
  const submit = (event: Event) => {
    event.preventDefault();
    const given = field.current?.value.trim() ?? '';
    if (given !== '') void enter(given);
  };
  return (
    <section class="drop gate" aria-labelledby="gate-title">
      <div>
        <h2 id="gate-title">This receiver wants a token</h2>
        <p>Whoever runs it has one for you. This tab keeps it until you close it, and nothing else does.</p>
      </div>
      <form onSubmit={submit}>
        <input
          ref={field}
          type="password"
          name="token"
          aria-label="Token"
          aria-invalid={now.why !== 'wanted'}
          aria-describedby="gate-why"
          autocomplete="off"
          spellcheck={false}
          autofocus
        />
        <button type="submit" class="enter" disabled={now.asking}>
          Come in
        </button>
      </form>
      <p id="gate-why" class="notice" role="alert">
        {now.why === 'wrong' && 'That is not the token of this receiver.'}
        {now.why === 'wait' && `Too many wrong tokens came from here. Please wait ${now.waitSeconds} s.`}
      </p>
    </section>
  );
}
