/**
 * Draws what a terminal shows as an SVG: `tmux capture-pane -p -e | tsx scripts/terminal-picture.ts > docs/pictures/shell.svg`.
 * Knows the few colours the shell uses (SGR 1, 2, 22, 31–36, 39, 0).
 */
import { text } from 'node:stream/consumers';

const COLOURS: Record<string, string> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
};
const CELL = 8.4;
const LINE = 20;
const escapeXml = (part: string) => part.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const lines = (await text(process.stdin)).trimEnd().split('\n');
const width = Math.max(...lines.map((line) => line.replace(/\x1b\[[0-9;]*m/g, '').length));
let fill = '#e6edf3';
let opacity = 1;
const rows = lines.map((line, row) => {
  let column = 0;
  const spans = line.split(/(\x1b\[[0-9;]*m)/).map((part) => {
    const codes = /^\x1b\[([0-9;]*)m$/.exec(part)?.[1];
    if (codes === undefined) {
      const x = 20 + column * CELL;
      column += part.length;
      return `<tspan x="${x.toFixed(1)}" fill="${fill}" opacity="${opacity}">${escapeXml(part)}</tspan>`;
    }
    for (const code of codes.split(';')) {
      if (code === '' || code === '0' || code === '39') fill = '#e6edf3';
      if (code === '' || code === '0' || code === '22') opacity = 1;
      if (code === '2') opacity = 0.6;
      fill = COLOURS[code] ?? fill;
    }
    return '';
  });
  return `<text y="${56 + row * LINE}" xml:space="preserve">${spans.join('')}</text>`;
});
const [w, h] = [Math.ceil(40 + width * CELL), 70 + lines.length * LINE];
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">
<title>What a terminal shows</title>
<rect width="${w}" height="${h}" rx="10" fill="#0d1117"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
<g font-family="ui-monospace, 'SF Mono', Menlo, Consolas, monospace" font-size="14">
${rows.join('\n')}
</g>
</svg>`);
