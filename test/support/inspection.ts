import { inspectFile as inspect } from '@gridseal/cli'

/** A record of `gridseal inspect --json`. */
export type InspectRecord = Readonly<Record<string, unknown>> & {
  readonly frame: number
  readonly protocol: string
  readonly malformed: string | null
}

/** What `gridseal inspect --json FILE` prints, parsed. */
export async function inspectFile(file: string): Promise<InspectRecord[]> {
  const chunks: Uint8Array[] = []
  await inspect(file, { json: true }, (bytes) => void chunks.push(bytes.slice()))
  const lines = Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as InspectRecord)
}

/** Records by packet number. */
export function byFrame(records: readonly InspectRecord[], protocol: string): Map<number, InspectRecord[]> {
  const map = new Map<number, InspectRecord[]>()
  for (const record of records) {
    if (record.protocol !== protocol) continue
    const list = map.get(record.frame)
    if (list === undefined) map.set(record.frame, [record])
    else list.push(record)
  }
  return map
}
