const KEY = 'wsferry.browser';

/** What tells this browser from all others; survives a reload where the browser lets a page keep anything. */
export const browserId = known() ?? made();

function known(): string | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept !== null && /^[0-9a-f]{32}$/.test(kept) ? kept : undefined;
  } catch {
    return undefined; // a private window, or forbidden
  }
}

function made(): string {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // Then only this page knows itself again.
  }
  return id;
}
