import { mkdtemp, rm } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { inspectFile } from '@gridseal/cli'
import type { InspectOptions } from '@gridseal/cli'
import type { Report } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'
import { SHARED, mixes } from './captures.ts'
import { runCommand } from './command.ts'

const RUNS = 5

const BYTES = 60e6
/** Where start-up is to be a small part of the work. */
const LARGE_BYTES = 600e6
const LARGE_RUNS = 3

/**
 * `gridseal inspect --json`: read, reassemble, decode, write the records as UTF-8; what is written is counted in, the
 * reader behind a pipe is not. Each mix is one large capture, made of the captures again and again with other addresses
 * each time, so that every copy is a stream of its own. MB are of the capture; what is written is two to four times as
 * much.
 *
 * - Without a remark: in this process, in one thread, when all code is warm.
 * - "large, in threads": ten times as large, in as many threads as the command would take, their start included.
 * - "whole command": the large capture by a process of its own, its start included, to the null device.
 */
export async function run(report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    for (const [name, make] of mixes()) {
      const capture = join(folder, 'capture.pcapng')
      await make(capture, BYTES)
      const size = statSync(capture).size
      const figures = (title: string, runs: number, values: readonly [string, number, string][]): void => {
        for (const [metric, value, unit] of values) {
          report({ suite: 'cli', case: `inspect --json, ${name}${title}`, metric, value, unit, runs })
        }
      }
      const malformed = await countMalformed(capture)
      const one = await rates(capture, RUNS, { json: true, threads: 1 })
      figures('', RUNS, [
        ['capture', median(one.wall), 'MB/s'],
        ['capture per CPU time', median(one.cpu), 'MB/CPU-s'],
        ['records', one.records / (size / 1e6), 'records/MB'],
        ['malformed', (100 * malformed) / one.records, '% of records'],
      ])
      if (!name.startsWith(SHARED)) continue
      await make(capture, LARGE_BYTES)
      const many = await rates(capture, LARGE_RUNS, { json: true })
      figures(', large, in threads', LARGE_RUNS, [['capture', median(many.wall), 'MB/s']])
      const { wall, cpu, memory } = runCommand(capture, LARGE_RUNS)
      figures(', large, whole command', LARGE_RUNS, [
        ['capture', median(wall), 'MB/s'],
        ['capture per CPU time', median(cpu), 'MB/CPU-s'],
        ['peak memory', Math.max(...memory), 'MiB'],
      ])
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Records that are marked as malformed; also warms up what is measured next. */
async function countMalformed(capture: string): Promise<number> {
  let sound = 0
  const count = (bytes: Uint8Array): void => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = text.indexOf(SOUND); at >= 0; at = text.indexOf(SOUND, at + 1)) sound++
  }
  const { records } = await inspectFile(capture, { json: true, threads: 1 }, count)
  return records - sound
}

const SOUND = '"malformed":null'

interface Rates {
  /** MB of capture per second, and per second of CPU time. */
  readonly wall: number[]
  readonly cpu: number[]
  readonly records: number
}

async function rates(capture: string, runs: number, options: InspectOptions): Promise<Rates> {
  const size = statSync(capture).size
  const wall: number[] = []
  const cpu: number[] = []
  let records = 0
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    const before = process.cpuUsage()
    ;({ records } = await inspectFile(capture, options, () => {}))
    const { user, system } = process.cpuUsage(before)
    wall.push(size / 1e3 / (performance.now() - start))
    cpu.push(size / (user + system))
  }
  return { wall, cpu, records }
}
