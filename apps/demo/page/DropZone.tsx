import { useEffect, useRef, useState } from 'preact/hooks';
import { notice } from './store.ts';
import { send } from './uploads.ts';

/** Takes files by picker, by drop anywhere on the page, and by paste. */
export function DropZone() {
  const picker = useRef<HTMLInputElement>(null);
  const over = useWindowDrop();
  const picked = () => {
    const input = picker.current;
    if (!input?.files) return;
    take([...input.files], 0);
    input.value = ''; // So that picking the same file again is a change again.
  };
  return (
    <section class="drop" data-over={over} aria-labelledby="drop-title">
      <div>
        <h2 id="drop-title">{over ? 'Let go to send' : 'Drop files anywhere on this page'}</h2>
        <p>Each one is stored on the other side under its name only when its MD5 matches what left here.</p>
      </div>
      <label class="pick">
        <input ref={picker} type="file" multiple onChange={picked} />
        <span>Choose files</span>
      </label>
      {notice.value && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
    </section>
  );
}

/** Whether files are being dragged over the window; the whole of it takes the drop, a near miss opens no file. */
function useWindowDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const on = <K extends keyof WindowEventMap>(type: K, listener: (event: WindowEventMap[K]) => void) =>
      addEventListener(type, listener, { signal: listening.signal });
    let depth = 0; // dragenter and dragleave also come for every element inside.
    on('dragenter', (event) => {
      if (hasFiles(event)) setOver(++depth > 0);
    });
    on('dragleave', (event) => {
      if (hasFiles(event)) setOver(--depth > 0);
    });
    on('dragover', (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    on('drop', (event) => {
      if (!event.dataTransfer || !hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      dropped(event.dataTransfer);
    });
    on('paste', (event) => {
      if (event.clipboardData?.files.length) take([...event.clipboardData.files], 0);
    });
    return () => listening.abort();
  }, []);
  return over;
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

function dropped(data: DataTransfer): void {
  const files: File[] = [];
  let folders = 0;
  for (const item of data.items) {
    if (item.kind !== 'file') continue;
    // A folder also comes as a File, one that cannot be read.
    if (item.webkitGetAsEntry()?.isDirectory) folders++;
    else {
      const file = item.getAsFile();
      if (file) files.push(file);
    }
  }
  take(files, folders);
}

function take(files: readonly File[], folders: number): void {
  notice.value =
    folders === 0
      ? ''
      : `${folders === 1 ? 'A folder was' : `${folders} folders were`} left out: this page sends files, not folders yet.`;
  send(files);
}
