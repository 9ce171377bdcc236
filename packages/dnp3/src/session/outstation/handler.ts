import type { OutstationCommand } from './command.ts'
import type { Schedule } from './schedule-store.ts'

/** What a SELECT, an OPERATE or a direct operate asks for. */
export type CommandPhase = 'select' | 'operate' | 'direct'

/**
 * What lies behind an outstation: the equipment. Every method may be left out; what has no method is not supported, and the
 * master is told so. Methods are called in the course of a request and return at once.
 */
export interface OutstationHandler {
  /** Checks (`select`) or carries out a command; returns its status (IEEE 1815 clause 11, 0 success). Default: 4, not supported. */
  command?(command: OutstationCommand, phase: CommandPhase, now: number): number
  /** A master has set the time, UTC milliseconds. */
  timeWritten?(utc: number): void
  /** Milliseconds until the outstation can be reached again. */
  restart?(kind: 'cold' | 'warm'): number
  /** A deadband was written. */
  deadbandWritten?(index: number, deadband: number): void
  /** A schedule was written (g50v4). */
  scheduleWritten?(index: number, schedule: Schedule): void
  /** Octets for a virtual terminal (g112); false: there is no such port. */
  terminal?(port: number, octets: Uint8Array): boolean
  /** INITIALIZE_APPL, START_APPL, STOP_APPL; without a name, all of them. False: there is none of that name. */
  application?(operation: 'initialize' | 'start' | 'stop', name: string | undefined): boolean
  /** SAVE_CONFIG. */
  saveConfiguration?(): void
  /** ACTIVATE_CONFIG: milliseconds until it is active, and a status with a text for each name. */
  activate?(names: readonly string[]): {
    readonly delay: number
    readonly results: readonly { readonly status: number; readonly text: string }[]
  }
  /** Events that a master has confirmed. */
  confirmed?(events: number): void
}
