import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { InternalError } from '@gridseal/wire'

/** The file that runs the command line, as source or built, whichever this is. */
const ENTRY: string = join(import.meta.dirname, '..', import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js')

/** Another `gridseal` command as a process of its own; its standard output comes line by line. */
export class GridsealProcess {
  readonly name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<number>
  #stderr = ''

  constructor(name: string, args: readonly string[], onLine: (line: string) => void) {
    this.name = name
    this.#child = spawn(process.execPath, [...process.execArgv, ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on('line', onLine)
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4096)
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code) => resolve(code ?? 1))
    })
  }

  /** Resolves with the first value that `pick` finds in a line; rejects if the process ends before. */
  async first<T>(subscribe: (found: (value: T) => void) => void): Promise<T> {
    const value = new Promise<T>((resolve) => subscribe(resolve))
    const gone = this.#exited.then((code) => {
      throw new InternalError('demo.process', `${this.name} ended (exit code ${code}): ${this.#stderr.trim()}`)
    })
    return Promise.race([value, gone])
  }

  /** What it has said on standard error, the end of it. */
  get complaints(): string {
    return this.#stderr
  }

  /** Asks it to end and waits for it; after ten seconds it is killed. */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    const code = await this.#exited
    clearTimeout(timer)
    return code
  }
}
