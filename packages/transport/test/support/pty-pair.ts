import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './collect.ts'

/** Two pseudo terminals that socat joins: a serial line without a wire. */
export class PtyPair {
  readonly #folder: string
  #socat: ChildProcess | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(): Promise<PtyPair> {
    const pair = new PtyPair(await mkdtemp(join(tmpdir(), 'gridseal-pty-')))
    await pair.#start()
    return pair
  }

  path(end: 'a' | 'b'): string {
    return join(this.#folder, end)
  }

  url(end: 'a' | 'b'): string {
    return `serial://${this.path(end)}?baud=115200`
  }

  /** Both devices vanish, as when a USB adapter is pulled. */
  async unplug(): Promise<void> {
    const socat = this.#socat
    if (socat === undefined) return
    this.#socat = undefined
    const gone = new Promise((resolve) => socat.once('close', resolve))
    socat.kill()
    await gone
  }

  /** New devices under the old names, with nothing left in them. */
  async renew(): Promise<void> {
    await this.unplug()
    await this.#start()
  }

  async close(): Promise<void> {
    await this.unplug()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const ends = (['a', 'b'] as const).map((end) => `pty,raw,echo=0,link=${this.path(end)}`)
    this.#socat = spawn('socat', ends, { stdio: 'ignore' })
    await until('socat makes the terminals', () => existsSync(this.path('a')) && existsSync(this.path('b')))
  }
}
