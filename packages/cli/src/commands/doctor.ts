import { checkUrl, DEFAULT_URL, proxyOf, tlsOptions, warnOfOpenLine, warnOfPassword } from '../connect.ts';
import type { Severity } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { Patient } from '../doctor/patient.ts';
import { doctorScreen, type Screen } from '../doctor/screen.ts';
import { explain } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { watchInterruption } from '../interruption.ts';
import { jsonReporter } from '../reporters/json.ts';
import { readToken } from '../token.ts';

export interface DoctorOptions {
  readonly ca?: string;
  readonly insecure?: boolean;
  /** The file of the token that the receiver wants; else WSFERRY_TOKEN. */
  readonly tokenFile?: string;
  /** How long to wait whether a silent connection is cut, in ms; 0 for not at all. */
  readonly idle: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Looks at the server at `url`. Never throws: every failure is reported and becomes the exit code. */
export async function doctor(url: string | undefined, cwd: string, options: DoctorOptions): Promise<ExitCode> {
  const screen: Screen = options.json
    ? { ...jsonReporter(process.stdout), looking: () => {} }
    : doctorScreen(process.stdout, process.stderr, options.quiet);
  // Nothing is under way that would have to be brought to an end.
  const interruption = watchInterruption(() => {});
  let exitCode: ExitCode;
  try {
    exitCode = await diagnose(url, cwd, options, interruption.signal, screen);
  } catch (error) {
    const why = explain(error);
    exitCode = why.exitCode;
    if (!interruption.signal.aborted) screen.report({ event: 'error', ...why });
    if (process.env['WSFERRY_DEBUG']) console.error(error);
  }
  screen.close();
  return interruption.signal.aborted ? interruption.exitCode : exitCode;
}

async function diagnose(
  named: string | undefined,
  cwd: string,
  { ca, insecure, tokenFile, idle }: DoctorOptions,
  signal: AbortSignal,
  screen: Screen,
): Promise<ExitCode> {
  const given = named ?? (process.env['WSFERRY_URL'] || undefined);
  const url = given ?? DEFAULT_URL;
  checkUrl(url);
  const tls = await tlsOptions({ to: url, ca, insecure, cwd }, screen);
  warnOfPassword(named, screen, 'the address');
  const token = await readToken({ tokenFile, cwd }, screen);
  if (token) warnOfOpenLine(url, screen);
  const patient = new Patient({
    url,
    tls,
    token,
    proxy: given === undefined ? undefined : proxyOf(url),
    idleMs: idle,
    signal,
  });
  const counts: Record<Severity, number> = { ok: 0, warning: 0, wrong: 0, skipped: 0 };
  let cannotConnect = false;
  for await (const { check, finding } of examine(patient, screen)) {
    counts[finding.severity]++;
    if (finding.severity === 'wrong' && (check.id === 'reach' || check.id === 'tls')) cannotConnect = true;
    screen.report({ event: 'check', id: check.id, ...finding });
  }
  const exitCode = cannotConnect ? ExitCode.CannotConnect : counts.wrong > 0 ? ExitCode.Failed : ExitCode.Done;
  if (!signal.aborted) screen.report({ event: 'diagnosis', url: patient.name, ...counts, exitCode });
  return exitCode;
}
