import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A server of `serve.ts` at work. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: Interface

  private constructor(port: number, child: ChildProcessByStdio<Writable, Readable, null>, lines: Interface) {
    this.port = port
    this.#child = child
    this.#lines = lines
  }

  static async start(name: string): Promise<ServerProcess> {
    const args = [...process.execArgv, join(import.meta.dirname, 'serve.ts'), name]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const [port] = (await once(lines, 'line')) as [string]
    return new ServerProcess(Number(port), child, lines)
  }

  /** Microseconds of CPU that it has used so far. */
  async cpu(): Promise<number> {
    const answer = once(this.#lines, 'line')
    this.#child.stdin.write('cpu\n')
    const [line] = (await answer) as [string]
    return Number(line)
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.stdin.end()
    await gone
  }
}
