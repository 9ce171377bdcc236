import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Inspection, jsonLine, walkCapture } from '@gridseal/cli'
import type { Figure } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'

const ROOT = join(import.meta.dirname, '../../..')
const RUNS = 5
/** Capture bytes inspected before the measurement, and in each run of it. */
const WARM_BYTES = 40e6
const RUN_BYTES = 40e6

/** `gridseal inspect --json` without the pipe behind it: read, reassemble, decode, write the line; captures again and again. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  for (const [name, files] of mixes()) {
    await inspectFor(files, WARM_BYTES)
    const rates: number[] = []
    let perMegabyte = 0
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      const { bytes, records } = await inspectFor(files, RUN_BYTES)
      rates.push(bytes / 1e3 / (performance.now() - start))
      perMegabyte = records / (bytes / 1e6)
    }
    const value = median(rates)
    report({ suite: 'cli', case: `inspect --json, ${name}`, metric: 'capture', value, unit: 'MB/s', runs: RUNS })
    report({
      suite: 'cli',
      case: `inspect --json, ${name}`,
      metric: 'records',
      value: perMegabyte,
      unit: 'records/MB',
      runs: 1,
    })
  }
}

async function inspectFor(files: readonly string[], least: number): Promise<{ bytes: number; records: number }> {
  let bytes = 0
  let records = 0
  let characters = 0
  while (bytes < least) {
    for (const file of files) {
      const inspection = new Inspection((piece, direction, description) => {
        records++
        characters += jsonLine(piece, direction, description).length
      })
      await walkCapture(file, {}, inspection)
      inspection.finish()
      bytes += statSync(file).size
    }
  }
  return { bytes, records: characters > 0 ? records : 0 }
}

/** The large captures beside the checkout where they are, and the project's own. */
function mixes(): [string, string[]][] {
  const shared = process.env['GRIDSEAL_PCAPS'] ?? join(ROOT, '../shared/pcaps')
  const found: [string, string[]][] = [['the captures of pcaps/', captures(join(ROOT, 'pcaps'))]]
  for (const folder of ['modbus-tcp', 'dnp3']) {
    const files = captures(join(shared, folder))
    if (files.length > 0) found.push([`shared ${folder}`, files])
  }
  return found
}

function captures(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .map((name) => join(folder, name))
}
