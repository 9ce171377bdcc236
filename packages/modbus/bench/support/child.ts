import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A script of this folder at work in a process of its own, which answers each line with a line. */
export class Child {
  /** The line that it begins with. */
  readonly greeting: string
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: Interface

  private constructor(greeting: string, child: ChildProcessByStdio<Writable, Readable, null>, lines: Interface) {
    this.greeting = greeting
    this.#process = child
    this.#lines = lines
  }

  static async start(script: 'serve.ts' | 'ask.ts', ...args: readonly string[]): Promise<Child> {
    const all = [...process.execArgv, join(import.meta.dirname, script), ...args]
    const child = spawn(process.execPath, all, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const [greeting] = (await once(lines, 'line')) as [string]
    return new Child(greeting, child, lines)
  }

  async say(line: string): Promise<string> {
    const answer = once(this.#lines, 'line')
    this.#process.stdin.write(`${line}\n`)
    return ((await answer) as [string])[0]
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit')
    this.#process.stdin.end()
    await gone
  }
}
