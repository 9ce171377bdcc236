import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  JournalKey,
  extractConsistency,
  extractReceipt,
  followSuccessions,
  readJournalKeys,
  readSuccessions,
  verifyConsistencyReceipt,
  verifyJournal,
  verifyReceipt,
} from '@gridseal/envelope'
import type { SequencedEntry } from '@gridseal/envelope'
import { readPublicKeyFile } from '@gridseal/pqc'
import type { VerifyingKey } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import { print, toJson } from '../output.ts'

export interface ExtractOptions {
  /** The n-th frame of the journal, from 1. */
  readonly frame?: number
  /** Or a leaf by log id (hex, or its first characters) and index. */
  readonly stream?: string
  readonly sequence?: number
  /** Or a proof of consistency between two batches of that log. */
  readonly from?: number
  readonly to?: number
  /** File of the key that the journal is encrypted with. */
  readonly journalKey?: string
  readonly output?: string
  /** List the frames instead. */
  readonly list: boolean
  readonly key: readonly string[]
  readonly json: boolean
}

interface Place {
  readonly stream: string
  readonly sequence: number
}

/** Cuts a receipt for one frame out of a journal, checked before it is written; or lists the journal's frames. */
export async function extract(directory: string, options: ExtractOptions): Promise<void> {
  const given = await Promise.all(options.key.map((file) => readPublicKeyFile(file)))
  const keys = given.length > 0 ? given : await readJournalKeys(directory)
  const key = options.journalKey === undefined ? undefined : await JournalKey.read(options.journalKey)
  if (options.list) return list(directory, keys, options.json, key)
  // Keys that the trusted ones have signed for, as receipts beside the journal prove.
  const successors = followSuccessions(await readSuccessions(directory), keys).map(({ succession }) => succession.key)
  const trusted: Trusted = (id) => [...keys, ...successors].find((one) => Buffer.compare(one.fingerprint, id) === 0)
  if (options.from !== undefined) return consistency(directory, options, key, trusted)
  const place = await placeOf(directory, keys, options, key)
  const receipt = await extractReceipt(directory, place, { key })
  const content = verifyReceipt(receipt, trusted)
  const output = options.output ?? `${toHex(content.stream).slice(0, 8)}-${content.sequence}.receipt`
  await write(output, receipt)
  const signer = join(directory, `${toHex(content.signer.fingerprint)}.pub`)
  const { stream, sequence } = content
  if (options.json) print(toJson({ output, bytes: receipt.length, stream, sequence, signer }))
  else print(`${output}: ${receipt.length} bytes; verify it with\n  gridseal verify ${output} --key ${signer}`)
}

type Trusted = (id: Uint8Array) => VerifyingKey | undefined

async function write(output: string, bytes: Uint8Array): Promise<void> {
  await writeFile(output, bytes, { flag: 'wx' }).catch((error: unknown) => {
    throw new UsageError('extract.output', `cannot write ${output}: ${String(error)}`, {}, error)
  })
}

/** Proves that a log only grew between two of its batches. */
async function consistency(
  directory: string,
  { stream = '', from = 0, to, output, json }: ExtractOptions,
  key: JournalKey | undefined,
  trusted: Trusted,
): Promise<void> {
  const proof = await extractConsistency(directory, { stream, from, ...(to === undefined ? {} : { to }) }, { key })
  const content = verifyConsistencyReceipt(proof, trusted)
  const file =
    output ?? `${toHex(content.stream).slice(0, 8)}-${content.older.batch}-${content.newer.batch}.consistency`
  await write(file, proof)
  const signer = join(directory, `${toHex(content.signer.fingerprint)}.pub`)
  if (json)
    print(toJson({ output: file, bytes: proof.length, stream: content.stream, from, to: content.newer.batch, signer }))
  else print(`${file}: ${proof.length} bytes; verify it with\n  gridseal verify ${file} --key ${signer}`)
}

async function placeOf(
  directory: string,
  keys: readonly VerifyingKey[],
  options: ExtractOptions,
  key: JournalKey | undefined,
): Promise<Place> {
  if (options.sequence !== undefined) return { stream: options.stream ?? '', sequence: options.sequence }
  if (options.frame === undefined)
    throw new UsageError('extract.which', 'say which: --frame N, or --stream ID --sequence N')
  let left = options.frame
  let place: Place | undefined
  await eachFrame(directory, keys, key, (stream, entry) => {
    if (--left === 0) place = { stream, sequence: entry.sequence }
  })
  if (place === undefined) {
    throw new UsageError(
      'extract.frame',
      `${directory} holds ${options.frame - left} verified frames, no frame ${options.frame}`,
    )
  }
  return place
}

async function list(
  directory: string,
  keys: readonly VerifyingKey[],
  json: boolean,
  key: JournalKey | undefined,
): Promise<void> {
  let frame = 0
  await eachFrame(directory, keys, key, (stream, entry) => {
    frame++
    const { link, connection, direction, sequence, time } = entry
    if (entry.kind !== 'frame') return
    const { protocol, bytes } = entry
    if (json)
      print(toJson({ frame, stream, sequence, time: String(time), link, connection, direction, protocol, bytes }))
    else {
      const at = new Date(Number(time / 1_000_000n)).toISOString()
      print(
        `${frame}  ${at}  ${stream.slice(0, 8)}/${sequence}  ${link}#${connection} ${direction}  ${protocol}  ${toHex(bytes)}`,
      )
    }
  })
}

async function eachFrame(
  directory: string,
  keys: readonly VerifyingKey[],
  key: JournalKey | undefined,
  visit: (stream: string, entry: SequencedEntry) => void,
): Promise<void> {
  await verifyJournal(directory, {
    keys,
    key,
    onBatch: ({ batch }) => {
      const stream = toHex(batch.stream)
      for (const entry of batch.entries) if (entry.kind === 'frame') visit(stream, entry)
    },
  })
}
