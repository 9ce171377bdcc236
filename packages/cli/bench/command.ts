import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { InternalError } from '@gridseal/wire'

export interface CommandFigures {
  /** MB of capture per second, and per second of CPU time of all threads. */
  readonly wall: number[]
  readonly cpu: number[]
  /** Largest resident set, MiB. */
  readonly memory: number[]
}

/** Runs `gridseal inspect --json` on a capture as a process of its own, start-up included. */
export function runCommand(capture: string, runs: number): CommandFigures {
  const size = statSync(capture).size
  const figures: CommandFigures = { wall: [], cpu: [], memory: [] }
  const command = join(import.meta.dirname, 'command-process.ts')
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    const child = spawnSync(process.execPath, ['-C', 'source', command, 'inspect', '--json', capture], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    })
    figures.wall.push(size / 1e3 / (performance.now() - start))
    if (child.status !== 0)
      throw new InternalError('bench.command', `inspect ended with ${child.status}: ${child.stderr}`)
    const { cpu, memory } = JSON.parse(child.stderr.split('\n').at(-1) ?? '') as { cpu: number; memory: number }
    figures.cpu.push(size / cpu)
    figures.memory.push(memory / 1024)
  }
  return figures
}
