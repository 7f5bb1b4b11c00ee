/**
 * A name, or any peer's words, fit for a terminal or a log line: control characters (which could move the cursor or
 * set colours), line and paragraph separators, and the marks that reverse the reading direction (`exe.txt` that is
 * a `txt.exe`) become `\u{…}`. Unpaired surrogates too. Everything else stays as it is.
 */
export function printable(name: string): string {
  return name.replace(
    /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
