import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A process of the benchmark that answers in JSON lines. It ends with the benchmark: its input closes then. */
export class Child<T> {
  readonly #process: ChildProcess
  readonly #exited: Promise<void>
  readonly #lines: T[] = []
  readonly #waiting: ((line: T) => void)[] = []

  constructor(script: string, argument: string) {
    const args = [...process.execArgv, join(import.meta.dirname, script), argument]
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#exited = new Promise((resolve) => this.#process.once('exit', () => resolve()))
    if (this.#process.stdout === null) return
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const value = JSON.parse(line) as T
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#lines.push(value)
      else waiting(value)
    })
  }

  next(): Promise<T> {
    const line = this.#lines.shift()
    return line === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(line)
  }

  ask(): Promise<T> {
    this.#process.stdin?.write('\n')
    return this.next()
  }

  /** Largest resident memory so far, bytes (Linux), or NaN. */
  peakMemory(): number {
    try {
      const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) * 1024
    } catch {
      return NaN
    }
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end()
    await this.#exited
  }
}
