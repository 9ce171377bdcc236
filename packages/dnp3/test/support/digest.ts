import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex } from '@gridseal/wire'
import { ROOT, SHARED_PCAPS } from '../../../../test/support/requirements.ts'

/** Captures with digests, made by tshark: one row per packet that completes a link frame. */
export const SHARED_DNP3: string = join(SHARED_PCAPS, 'dnp3')
/** The ones that travel with the repository. */
export const OWN_PCAPS: string = join(ROOT, 'pcaps')

/** One packet of a capture as tshark sees it. */
export interface DigestRow {
  readonly packet: number
  /** Everything that one side of one conversation sends has the same name. */
  readonly flow: string
  readonly toDevice: boolean
  readonly datagram: boolean
  readonly payload: Uint8Array
  readonly malformed: boolean
  /** The values of a column, one per frame, fragment or object header. */
  list(column: string): string[]
}

/** Names of the DNP3 captures in a folder; none where it is missing. */
export function captures(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.expect.tsv') && headOf(join(folder, file)).includes('dnp3.len'))
    .map((file) => file.slice(0, -'.expect.tsv'.length))
    .sort()
}

function headOf(file: string): string {
  return readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''
}

export function readDigest(folder: string, capture: string): DigestRow[] {
  const [head = '', ...lines] = readFileSync(join(folder, `${capture}.expect.tsv`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  const columns = head.split('\t')
  return lines.map((line) => rowOf(Object.fromEntries(line.split('\t').map((value, i) => [columns[i] ?? '', value]))))
}

function rowOf(cells: Readonly<Record<string, string>>): DigestRow {
  const cell = (column: string): string => cells[column] ?? ''
  const network = cell('udp.payload') === '' ? 'tcp' : 'udp'
  const [from, to] = [cell(`${network}.srcport`), cell(`${network}.dstport`)]
  return {
    packet: Number(cell('frame.number')),
    flow: `${network} ${cell('tcp.stream')} ${cell('ip.src')}:${from} ${cell('ip.dst')}:${to}`,
    toDevice: to === '20000',
    datagram: network === 'udp',
    payload: fromHex(cell(`${network}.payload`)),
    malformed: cell('_ws.malformed') !== '',
    list: (column) => (cell(column) === '' ? [] : cell(column).split(',')),
  }
}

/** All payloads of both folders that are one link frame, without repeats. */
export function goldenFrames(): Uint8Array[] {
  const frames = new Map<string, Uint8Array>()
  for (const folder of [OWN_PCAPS, SHARED_DNP3]) {
    for (const capture of captures(folder)) {
      for (const { payload } of readDigest(folder, capture)) frames.set(Buffer.from(payload).toString('hex'), payload)
    }
  }
  return [...frames.values()]
}
