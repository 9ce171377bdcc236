import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { extractReceipt, readJournalKeys, verifyJournal, verifyReceipt } from '@gridseal/envelope'
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
  if (options.list) return list(directory, keys, options.json)
  const place = await placeOf(directory, keys, options)
  const receipt = await extractReceipt(directory, place)
  const content = verifyReceipt(receipt, (id) => keys.find((key) => Buffer.compare(key.fingerprint, id) === 0))
  const output = options.output ?? `${toHex(content.stream).slice(0, 8)}-${content.sequence}.receipt`
  await writeFile(output, receipt, { flag: 'wx' }).catch((error: unknown) => {
    throw new UsageError('extract.output', `cannot write ${output}: ${String(error)}`, {}, error)
  })
  const signer = join(directory, `${toHex(content.signer.fingerprint)}.pub`)
  const { stream, sequence } = content
  if (options.json) print(toJson({ output, bytes: receipt.length, stream, sequence, signer }))
  else print(`${output}: ${receipt.length} bytes; verify it with\n  gridseal verify ${output} --key ${signer}`)
}

async function placeOf(directory: string, keys: readonly VerifyingKey[], options: ExtractOptions): Promise<Place> {
  if (options.sequence !== undefined) return { stream: options.stream ?? '', sequence: options.sequence }
  if (options.frame === undefined)
    throw new UsageError('extract.which', 'say which: --frame N, or --stream ID --sequence N')
  let left = options.frame
  let place: Place | undefined
  await eachFrame(directory, keys, (stream, entry) => {
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

async function list(directory: string, keys: readonly VerifyingKey[], json: boolean): Promise<void> {
  let frame = 0
  await eachFrame(directory, keys, (stream, entry) => {
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
  visit: (stream: string, entry: SequencedEntry) => void,
): Promise<void> {
  await verifyJournal(directory, {
    keys,
    onBatch: ({ batch }) => {
      const stream = toHex(batch.stream)
      for (const entry of batch.entries) if (entry.kind === 'frame') visit(stream, entry)
    },
  })
}
