import { readFile, stat } from 'node:fs/promises'
import { JournalKey, readJournalKeys, verifyConsistencyReceipt, verifyJournal, verifyReceipt } from '@gridseal/envelope'
import type { ConsistencyContent, ReceiptContent, VerifyReport } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { readPublicKeyFile } from '@gridseal/pqc'
import { AuthError, DecodeError, ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { EXIT, complain, countText, print, toJson } from '../output.ts'

export interface VerifyCommandOptions {
  /** Files of trusted public keys; without any the keys that lie in a journal are used, and said. */
  readonly key: readonly string[]
  /** File of the key that a journal is encrypted with. */
  readonly journalKey?: string
  readonly json: boolean
}

/** Verifies a journal directory or a receipt file. Exit code 1 if anything in it is refused. */
export async function verify(path: string, options: VerifyCommandOptions): Promise<number> {
  const keys = await Promise.all(options.key.map((file) => readPublicKeyFile(file)))
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) throw new UsageError('verify.path', `${path} does not exist`)
  if (!info.isDirectory()) return verifyFile(path, keys, options.json)
  return verifyDirectory(path, keys, options)
}

async function verifyDirectory(
  path: string,
  trusted: readonly VerifyingKey[],
  options: VerifyCommandOptions,
): Promise<number> {
  const { json, journalKey } = options
  const keys = trusted.length > 0 ? trusted : await readJournalKeys(path)
  const key = journalKey === undefined ? undefined : await JournalKey.read(journalKey)
  const report = await verifyJournal(path, { keys, key })
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
  if (report.behind > 0) print(`          ${report.behind} continue an older state: their sender was set back`)
  if (report.removed > 0) print(`removed   ${report.removed} segments, by retention`)
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
  const trusted = (fingerprint: Uint8Array): VerifyingKey | undefined =>
    keys.find((key) => Buffer.compare(key.fingerprint, fingerprint) === 0)
  try {
    const bytes = await readFile(path)
    // A receipt begins with a leaf, a proof of consistency with a tagged COSE_Sign1.
    if (bytes[1] === 0xd2) {
      showConsistency(path, verifyConsistencyReceipt(bytes, trusted), json)
      return EXIT.ok
    }
    content = verifyReceipt(bytes, trusted)
  } catch (error) {
    const peers = error instanceof AuthError || error instanceof DecodeError || error instanceof ProtocolError
    if (!peers) throw error
    const firstFailure = { code: error.code, message: error.message }
    if (json) print(toJson({ path, batches: 1, frames: 0, verified: 0, failed: 1, firstFailure }))
    else complain(`${path}: REFUSED: ${error.code}: ${error.message}`)
    return EXIT.failed
  }
  if (json) print(toJson(receiptJson(path, content)))
  else showReceipt(path, content)
  return EXIT.ok
}

function showConsistency(path: string, content: ConsistencyContent, json: boolean): void {
  const { stream, older, newer, signer } = content
  if (json) {
    const base = { path, batches: 2, frames: 0, verified: 2, failed: 0, firstFailure: null }
    print(toJson({ ...base, signer: signer.fingerprintText, stream, older, newer }))
    return
  }
  print(`proof     ${path}`)
  print(`signer    ${signer.fingerprintText}`)
  print(`log       ${toHex(stream)}`)
  print(
    `result    verified: batch ${newer.batch} (${newer.treeSize} leaves) extends batch ${older.batch} (${older.treeSize})`,
  )
}

function receiptJson(path: string, content: ReceiptContent): Record<string, unknown> {
  const { entry, log, change, signer, stream, sequence, treeSize, root, algorithm } = content
  const successor = change?.key.fingerprintText ?? null
  const base = { path, batches: 1, frames: entry?.kind === 'frame' ? 1 : 0, verified: 1, failed: 0, firstFailure: null }
  return { ...base, algorithm, signer: signer.fingerprintText, stream, sequence, treeSize, root, entry, log, successor }
}

function showReceipt(path: string, content: ReceiptContent): void {
  const { entry, signer, change } = content
  print(`receipt   ${path}`)
  print(`signer    ${signer.fingerprintText}`)
  print(`leaf      ${content.sequence} of log ${toHex(content.stream)}, signed at ${content.treeSize} leaves`)
  if (entry?.kind === 'frame') {
    print(`frame     ${entry.protocol}, link ${entry.link}, connection ${entry.connection}, ${entry.direction}`)
    print(`time      ${new Date(Number(entry.time / 1_000_000n)).toISOString()}`)
    print(`bytes     ${toHex(entry.bytes)}`)
  } else if (entry !== undefined) print(`event     ${entry.event}, link ${entry.link}, connection ${entry.connection}`)
  else if (change !== undefined) print(`key       signs for its successor ${change.key.fingerprintText}`)
  else print(`header    site ${content.log?.site}, ${content.log?.direction}`)
  print('result    verified')
}
