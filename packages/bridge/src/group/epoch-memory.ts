import { putBeside, readBeside } from '@gridseal/envelope'
import { toHex } from '@gridseal/wire'
import type { Report } from '../events.ts'
import { groupId } from './realtime-group.ts'

/**
 * The last epoch that a group has begun, in a file beside the head-end's journal. Epochs go by the clock, and members take no
 * lower one than they know: who had a clock that was ahead goes on from here when it is started again.
 */
export class EpochMemory {
  /** What was kept when the head-end was started; 0: none. */
  readonly last: number
  readonly #directory: string
  readonly #file: string

  private constructor(directory: string, file: string, last: number) {
    this.last = last
    this.#directory = directory
    this.#file = file
  }

  /** Reads the file where there is one. One that is damaged is said (`group.epoch-file`): the clock decides then. */
  static async open(directory: string, group: string, report: Report): Promise<EpochMemory> {
    const file = `group-${toHex(groupId(group))}.epoch`
    const text = (await readBeside(directory, file))?.toString('latin1')
    const last = text === undefined ? 0 : Number(/^gridseal-group-epoch (\d{1,16})\n$/.exec(text)?.[1])
    if (Number.isSafeInteger(last)) return new EpochMemory(directory, file, last)
    const consequence = 'if the clock was ahead before, members must be restarted'
    const message = `${file} in ${directory} does not tell the last epoch of group ${group}: ${consequence}`
    report({ level: 'error', code: 'group.epoch-file', message, details: { group, directory, file } })
    return new EpochMemory(directory, file, 0)
  }

  /** Keeps the epoch that has begun. Throws `UsageError` `journal.open` if it cannot be written. */
  keep(epoch: number): Promise<void> {
    return putBeside(this.#directory, this.#file, `gridseal-group-epoch ${epoch}\n`)
  }
}
