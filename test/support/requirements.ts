import { existsSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** The folder of this repository. */
export const ROOT: string = resolve(import.meta.dirname, '../..')

/** Captures with tshark digests that live beside the checkout; `GRIDSEAL_PCAPS` names another folder of the same shape. */
export const SHARED_PCAPS: string = process.env['GRIDSEAL_PCAPS'] ?? resolve(ROOT, '../shared/pcaps')

/** Official vectors that live beside the checkout; `GRIDSEAL_VECTORS` names another folder of the same shape. */
export const SHARED_VECTORS: string = process.env['GRIDSEAL_VECTORS'] ?? resolve(ROOT, '../shared/vectors')

const REQUIRE_PEERS = process.env['GRIDSEAL_REQUIRE_PEERS'] === '1'

/** Full path of a program on PATH, or undefined. */
export function which(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .concat('/usr/sbin', '/sbin')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file) && statSync(file).isFile())
}

/**
 * For `before` and `it` bodies: skips when a program of another project is missing and says which; with
 * GRIDSEAL_REQUIRE_PEERS=1 a missing one fails instead.
 */
export function needPeer(context: Mocha.Context, ...programs: string[]): void {
  const missing = programs.filter((program) => which(program) === undefined)
  if (missing.length > 0) leaveOut(context, `needs ${missing.join(', ')} on PATH`, REQUIRE_PEERS)
}

/** Skips, and says so, when data that lives outside the repository is not there. */
export function needFolder(context: Mocha.Context, folder: string): void {
  if (!existsSync(folder)) leaveOut(context, `needs the folder ${folder}`, false)
}

/** For what only a run can find out, such as a system call that needs root: like {@link needPeer}. */
export function cannotTest(context: Mocha.Context, why: string): never {
  leaveOut(context, why, REQUIRE_PEERS)
}

/** For a peer or feature that the systems we test on need not have: skips with the reason, and never fails. */
export function needOptional(context: Mocha.Context, present: boolean, why: string): void {
  if (!present) leaveOut(context, why, false)
}

/** For tests that take minutes: they run with `npm run test:slow`. */
export function needSlow(context: Mocha.Context): void {
  if (process.env['GRIDSEAL_SLOW'] !== '1') leaveOut(context, 'slow: npm run test:slow runs it', false)
}

/** For tests that lean on how Linux's network stack behaves (all of 127.0.0.0/8 is local, full accept queues). */
export function needLinux(context: Mocha.Context): void {
  if (process.platform !== 'linux') leaveOut(context, 'needs Linux', false)
}

/**
 * For what does not work on a later Node.js: skips there, with the reason. Scripts run on the pinned one, where it must
 * work.
 */
export function needNodeBefore(context: Mocha.Context, major: number, why: string): void {
  if (Number.parseInt(process.versions.node, 10) >= major) leaveOut(context, `not on Node.js ${major}: ${why}`, false)
}

/** Skips, and says so, on a machine without IPv6. */
export function needIpv6(context: Mocha.Context): void {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  if (!addresses.some(({ family }) => family === 'IPv6')) leaveOut(context, 'needs IPv6', false)
}

function leaveOut(context: Mocha.Context, why: string, fail: boolean): never {
  if (fail) throw new Error(`${why} (GRIDSEAL_REQUIRE_PEERS=1)`)
  const title = context.test?.fullTitle() ?? 'a test'
  process.stderr.write(`      skipped: ${title}: ${why}\n`)
  return context.skip()
}
