/** One row of a CSV file. */
export interface CsvRow {
  readonly cells: readonly string[]
  /** 1-based. */
  readonly line: number
}

/**
 * Reads CSV (RFC 4180): cells may be quoted, `""` is a quote within quotes. The separator is a comma, a semicolon or a
 * tab, whichever the first row has most of. Empty rows, and rows that begin with `#`, are left out.
 */
export function readCsv(source: string): CsvRow[] {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  const separator = separatorOf(text)
  const rows: CsvRow[] = []
  let cells: string[] = []
  let cell = ''
  let quoted = false
  let line = 1
  let began = 1
  const endRow = (): void => {
    cells.push(cell)
    if (cells.some((item) => item.trim() !== '') && !cells[0]!.startsWith('#')) rows.push({ cells, line: began })
    cells = []
    cell = ''
    began = line
  }
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '\n') line++
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') cell += text[at++]
      else quoted = false
    } else if (character === '"' && cell.trim() === '') {
      quoted = true
      cell = ''
    } else if (character === separator) {
      cells.push(cell)
      cell = ''
    } else if (character === '\n') endRow()
    else if (character !== '\r') cell += character
  }
  if (cell !== '' || cells.length > 0) endRow()
  return rows
}

function separatorOf(text: string): string {
  const head = text.slice(0, text.indexOf('\n') < 0 ? text.length : text.indexOf('\n'))
  const counts = [',', ';', '\t'].map((separator): [string, number] => [separator, head.split(separator).length])
  return counts.reduce((most, next) => (next[1] > most[1] ? next : most))[0]
}
