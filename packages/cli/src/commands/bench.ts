import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from '@gridseal/wire'
import { print, toJson } from '../output.ts'

/** One figure of a benchmark; `value` is the median of `runs`. */
export interface Figure {
  readonly suite: string
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly runs: number
  /** The case of the same suite that this one is to be compared with. */
  readonly versus?: string
}

interface BenchModule {
  run(report: (figure: Figure) => void): Promise<void>
}

const SUITES = [
  'wire',
  'pqc',
  'pcap',
  'transport',
  'modbus',
  'dnp3',
  'iec61850',
  'envelope',
  'channel',
  'bridge',
  'cli',
] as const

/** Runs the benchmarks of the packages, one after the other. They live in the repository, not in what is published. */
export async function bench(names: readonly string[], json: boolean): Promise<void> {
  const packages = join(import.meta.dirname, '../../..')
  for (const name of names) {
    if (!SUITES.some((suite) => suite === name)) {
      throw new UsageError('bench.name', `no benchmark "${name}"; there are ${SUITES.join(', ')}`)
    }
  }
  for (const suite of names.length > 0 ? names : SUITES) {
    const file = join(packages, suite, 'bench', 'index.ts')
    if (!existsSync(file))
      throw new UsageError('bench.checkout', `${file} is not there: benchmarks run from a checkout`)
    const module = (await import(pathToFileURL(file).href)) as BenchModule
    await module.run((figure) => print(json ? toJson(figure) : figureText(figure)))
  }
}

function figureText({ suite, case: name, metric, value, unit, versus }: Figure): string {
  const shown = value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
  const beside = versus === undefined ? '' : `  (beside ${versus})`
  return `${suite.padEnd(10)} ${name.padEnd(44)} ${metric.padEnd(22)} ${shown.padStart(14)} ${unit}${beside}`
}
