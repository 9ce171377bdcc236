import { readFileSync } from 'node:fs'

/** One row of a tshark digest: column name to text. */
export type DigestRow = Readonly<Record<string, string>>

/** Reads a tab-separated digest with a heading line. */
export function readDigest(file: string): DigestRow[] {
  const [heading = '', ...lines] = readFileSync(file, 'utf8').replace(/\n$/, '').split('\n')
  const columns = heading.split('\t')
  return lines.map((line) => {
    const cells = line.split('\t')
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']))
  })
}

/** The values of a cell that several data units of a packet share. */
export function list(cell: string | undefined): string[] {
  return cell === undefined || cell === '' ? [] : cell.split(',')
}
