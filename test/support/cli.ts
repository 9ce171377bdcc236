import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sharingCompiled } from './compiled.ts'
import { ROOT } from './requirements.ts'

/** Runs the command as these tests run: from source under `-C source`, else what is built. */
const FROM_SOURCE = process.execArgv.includes('source')
const ENTRY = join(ROOT, FROM_SOURCE ? 'packages/cli/src/main.ts' : 'packages/cli/bin/gridseal.js')

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[]): ChildProcess {
  return spawnGridseal('pipe', ...args)
}

/** A `gridseal` whose standard output goes to a pipe or to an open file. */
export function spawnGridseal(stdout: 'pipe' | number, ...args: readonly string[]): ChildProcess {
  const options = { stdio: ['ignore', stdout, 'pipe'] as ('ignore' | 'pipe' | number)[], env: sharingCompiled() }
  return spawn(process.execPath, [...process.execArgv, ENTRY, ...args], options)
}

/** Keeps what is written to a stream of this process from it. */
function captured(stream: NodeJS.WriteStream): { readonly text: () => string; readonly release: () => void } {
  const chunks: Buffer[] = []
  const own = Object.getOwnPropertyDescriptor(stream, 'write')
  stream.write = (chunk: Uint8Array | string, second?: unknown, third?: unknown): boolean => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk))
    const done = typeof second === 'function' ? second : third
    if (typeof done === 'function') process.nextTick(done)
    return true
  }
  return {
    text: () => Buffer.concat(chunks).toString(),
    release: () => {
      if (own === undefined) Reflect.deleteProperty(stream, 'write')
      else Object.defineProperty(stream, 'write', own)
    },
  }
}

/** One command at a time has this process's output. */
let running: Promise<unknown> = Promise.resolve()

/** Runs `gridseal` to its end within this process: what it would print, and its exit code. */
export function gridseal(...args: readonly string[]): Promise<CliResult> {
  const result = running.then(async () => {
    const { main } = await import('@gridseal/cli')
    const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)]
    try {
      const code = await main(args)
      return { code, stdout: stdout.text(), stderr: stderr.text() }
    } finally {
      stdout.release()
      stderr.release()
    }
  })
  running = result.catch(() => undefined)
  return result
}

/** The same as a process of its own. */
export function gridsealProcess(...args: readonly string[]): Promise<CliResult> {
  const child = start(args)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr })))
}

/** The NDJSON records of a result. */
export function records(result: CliResult): Record<string, unknown>[] {
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** A `gridseal` that keeps running. */
export class RunningCli {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<number>
  #waiting: (() => void)[] = []
  #stderr = ''

  constructor(...args: readonly string[]) {
    this.#child = start(args)
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.lines.push(line)
        for (const wake of this.#waiting.splice(0)) wake()
      })
    }
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#exited = new Promise((resolve) => this.#child.once('close', (code) => resolve(code ?? -1)))
    void this.#exited.then(() => {
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /** The first line, printed already or later, that `pick` gives a value for. */
  async line<T>(pick: (line: string) => T | undefined, limit = 15_000): Promise<T> {
    const deadline = Date.now() + limit
    for (let i = 0; ; i++) {
      while (i >= this.lines.length) {
        if (Date.now() > deadline || this.#child.exitCode !== null) {
          throw new Error(`the line did not come; stderr: ${this.#stderr}`)
        }
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve)
          setTimeout(resolve, 200)
        })
      }
      const value = pick(this.lines[i] ?? '')
      if (value !== undefined) return value
    }
  }

  get stderr(): string {
    return this.#stderr
  }

  /** SIGTERM, and its exit code. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.#child.kill(signal)
    return this.#exited
  }
}
