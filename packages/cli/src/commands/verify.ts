import { readFile, stat } from 'node:fs/promises'
import { readJournalKeys, verifyJournal, verifyReceipt } from '@gridseal/envelope'
import type { ReceiptContent, VerifyReport } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { readPublicKeyFile } from '@gridseal/pqc'
import { AuthError, DecodeError, UsageError, toHex } from '@gridseal/wire'
import { EXIT, complain, countText, print, toJson } from '../output.ts'

export interface VerifyCommandOptions {
  /** Files of trusted public keys; without any the keys that lie in a journal are used, and said. */
  readonly key: readonly string[]
  readonly json: boolean
}

/** Verifies a journal directory or a receipt file. Exit code 1 if anything in it is refused. */
export async function verify(path: string, options: VerifyCommandOptions): Promise<number> {
  const keys = await Promise.all(options.key.map((file) => readPublicKeyFile(file)))
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) throw new UsageError('verify.path', `${path} does not exist`)
  return info.isDirectory() ? verifyDirectory(path, keys, options.json) : verifyFile(path, keys, options.json)
}

async function verifyDirectory(path: string, trusted: readonly VerifyingKey[], json: boolean): Promise<number> {
  const keys = trusted.length > 0 ? trusted : await readJournalKeys(path)
  const report = await verifyJournal(path, { keys })
  const keysFrom = trusted.length > 0 ? 'given' : 'journal'
  if (json) print(toJson({ path, ...report, keys: keys.map((key) => key.fingerprintText), keysFrom }))
  else showReport(path, report, keys, trusted.length > 0)
  return report.failed === 0 ? EXIT.ok : EXIT.failed
}

function showReport(path: string, report: VerifyReport, keys: readonly VerifyingKey[], trusted: boolean): void {
  print(`journal   ${path}`)
  for (const key of keys)
    print(`key       ${key.fingerprintText}${trusted ? '' : '  (lies in the journal: compare it)'}`)
  print(`batches   ${countText(report.batches)} (${countText(report.verified)} verified, ${report.failed} refused)`)
  print(`frames    ${countText(report.frames)} proven`)
  print(`logs      ${report.logs}${report.unjoined > 0 ? `, ${report.unjoined} that continue no log before them` : ''}`)
  if (report.partial > 0)
    print(`          ${report.partial} of them begin elsewhere: this journal joined them in the middle`)
  const failure = report.firstFailure
  if (report.batches === 0 && failure === null) print('result    empty: there is nothing to verify')
  else if (failure === null) print('result    all verified')
  else {
    const batch = failure.batch === undefined ? '' : `, batch ${failure.batch} of log ${failure.stream?.slice(0, 8)}`
    print(`result    REFUSED: first in segment ${failure.segment} at offset ${failure.offset}${batch}`)
    print(`          ${failure.code}: ${failure.message}`)
  }
}

async function verifyFile(path: string, keys: readonly VerifyingKey[], json: boolean): Promise<number> {
  if (keys.length === 0)
    throw new UsageError('verify.key', "a receipt is verified with the signer's key: give --key FILE")
  let content: ReceiptContent
  try {
    content = verifyReceipt(await readFile(path), (fingerprint) =>
      keys.find((key) => Buffer.compare(key.fingerprint, fingerprint) === 0),
    )
  } catch (error) {
    if (!(error instanceof AuthError) && !(error instanceof DecodeError)) throw error
    const firstFailure = { code: error.code, message: error.message }
    if (json) print(toJson({ path, batches: 1, frames: 0, verified: 0, failed: 1, firstFailure }))
    else complain(`${path}: REFUSED: ${error.code}: ${error.message}`)
    return EXIT.failed
  }
  if (json) print(toJson(receiptJson(path, content)))
  else showReceipt(path, content)
  return EXIT.ok
}

function receiptJson(path: string, content: ReceiptContent): Record<string, unknown> {
  const { entry, log, signer, stream, sequence, treeSize, root, algorithm } = content
  const base = { path, batches: 1, frames: entry?.kind === 'frame' ? 1 : 0, verified: 1, failed: 0, firstFailure: null }
  return { ...base, algorithm, signer: signer.fingerprintText, stream, sequence, treeSize, root, entry, log }
}

function showReceipt(path: string, content: ReceiptContent): void {
  const { entry, signer } = content
  print(`receipt   ${path}`)
  print(`signer    ${signer.fingerprintText}`)
  print(`leaf      ${content.sequence} of log ${toHex(content.stream)}, signed at ${content.treeSize} leaves`)
  if (entry?.kind === 'frame') {
    print(`frame     ${entry.protocol}, link ${entry.link}, connection ${entry.connection}, ${entry.direction}`)
    print(`time      ${new Date(Number(entry.time / 1_000_000n)).toISOString()}`)
    print(`bytes     ${toHex(entry.bytes)}`)
  } else if (entry !== undefined) print(`event     ${entry.event}, link ${entry.link}, connection ${entry.connection}`)
  else print(`header    site ${content.log?.site}, ${content.log?.direction}`)
  print('result    verified')
}
