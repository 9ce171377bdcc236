import { Inspection, jsonLine, walkCapture } from '@gridseal/cli'

/** A record of `gridseal inspect --json`. */
export type InspectRecord = Readonly<Record<string, unknown>> & {
  readonly frame: number
  readonly protocol: string
  readonly malformed: string | null
}

/** What `gridseal inspect --json FILE` prints, parsed. */
export async function inspectFile(file: string): Promise<InspectRecord[]> {
  const records: InspectRecord[] = []
  const inspection = new Inspection((half, packet, description) => {
    records.push(JSON.parse(jsonLine(half, packet, description)) as InspectRecord)
  })
  await walkCapture(file, {}, inspection)
  return records
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
