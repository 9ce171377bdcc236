import { decodeControlCode } from '../../codec/commands.ts'
import type { OutstationCommand } from './command.ts'
import { COMMAND } from './command-status.ts'
import type { Database } from './database.ts'
import type { CommandPhase } from './handler.ts'
import { FLAGS } from './point.ts'

const PULSE_ON = 1
const LATCH_ON = 3
const LATCH_OFF = 4
const CLOSE = 1
const TRIP = 2

/**
 * Equipment that does as it is told: outputs take the state or value that a command asks for, and report it. A pulse to close or
 * trip moves the output to that state; a pulse without them comes and goes between two polls.
 */
export class SimulatedOutputs {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** For {@link OutstationHandler.command}. */
  command(command: OutstationCommand, phase: CommandPhase, now: number): number {
    if (command.kind === 'data-set') return COMMAND.NOT_SUPPORTED
    const point = this.#database.point(command.kind === 'binary' ? 'binary-output' : 'analog-output', command.index)
    if (point === undefined) return COMMAND.NOT_SUPPORTED
    if ((point.flags & FLAGS.LOCAL_FORCED) !== 0) return COMMAND.LOCAL
    if (command.kind === 'analog') {
      if (phase !== 'select') this.#database.updatePoint(point, { value: command.value, flags: FLAGS.ONLINE }, now)
      return COMMAND.SUCCESS
    }
    const state = stateAfter(command.code)
    if (state === undefined) return COMMAND.NOT_SUPPORTED
    if (phase !== 'select' && state !== 'same') {
      this.#database.updatePoint(point, { value: state, flags: FLAGS.ONLINE }, now)
    }
    return COMMAND.SUCCESS
  }
}

function stateAfter(code: number): 0 | 1 | 'same' | undefined {
  const { operation, tripClose } = decodeControlCode(code)
  if (operation === LATCH_ON) return 1
  if (operation === LATCH_OFF) return 0
  if (operation === PULSE_ON && tripClose === CLOSE) return 1
  if (operation === PULSE_ON && tripClose === TRIP) return 0
  return operation === 0 ? undefined : 'same'
}
