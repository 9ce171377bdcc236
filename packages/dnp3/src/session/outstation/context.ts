import type { ApplicationControl } from '../../codec/application.ts'
import type { ObjectHeader } from '../../codec/object-walk.ts'
import type { AttributeStore } from './attribute-store.ts'
import type { OutstationCommand, Selection } from './command.ts'
import type { DataSetStore } from './data-set-store.ts'
import type { Database } from './database.ts'
import type { EventBuffer } from './event-buffer.ts'
import type { FileDesk } from './file-desk.ts'
import type { CommandPhase, OutstationHandler } from './handler.ts'
import type { OutstationSettings } from './options.ts'
import type { EventClass, Point } from './point.ts'
import type { ScheduleStore } from './schedule-store.ts'

/** Points that shall be frozen at a time, and again after every interval. */
export interface FreezeSchedule {
  /** UTC milliseconds, by the outstation's clock. */
  at: number
  /** Milliseconds; 0: once. */
  readonly interval: number
  readonly points: readonly Point[]
}

/** What the functions of an outstation work on. */
export interface OutstationState {
  readonly settings: OutstationSettings
  readonly database: Database
  readonly handler: OutstationHandler
  readonly events: EventBuffer
  readonly attributes: AttributeStore
  readonly dataSets: DataSetStore
  readonly schedules: ScheduleStore
  readonly files: FileDesk | undefined
  /** What SELECT has armed. */
  selection: Selection | undefined
  /** When RECORD_CURRENT_TIME came. */
  recorded: { readonly sequence: number; readonly at: number } | undefined
  freezes: FreezeSchedule[]
  command(command: OutstationCommand, phase: CommandPhase, now: number): number
  clearRestart(): void
  setTime(utc: number, now: number): void
  restartAfter(delay: number, kind: 'cold' | 'warm', now: number): void
  enableUnsolicited(classes: readonly EventClass[], enabled: boolean): void
  indications(now: number): number
}

/** One request as the functions see it. */
export interface RequestContext {
  readonly session: OutstationState
  readonly control: ApplicationControl
  readonly function: number
  readonly headers: readonly ObjectHeader[]
  /** The whole request. */
  readonly fragment: Uint8Array
  readonly now: number
  readonly broadcast: boolean
}

/** What a function answers: error bits of IIN2, and headers with their objects. */
export interface Answer {
  readonly iin: number
  readonly objects?: Uint8Array
}

export const OK: Answer = { iin: 0 }

// Internal indications as IIN1 * 256 + IIN2 (IEEE 1815 clause 4).
export const BROADCAST_RECEIVED = 0x0100
export const CLASS_EVENTS: readonly number[] = [0, 0x0200, 0x0400, 0x0800]
export const NEED_TIME = 0x1000
export const LOCAL_CONTROL = 0x2000
export const DEVICE_TROUBLE = 0x4000
export const DEVICE_RESTART = 0x8000
export const NO_FUNC_CODE_SUPPORT = 0x0001
export const OBJECT_UNKNOWN = 0x0002
export const PARAMETER_ERROR = 0x0004
export const EVENT_BUFFER_OVERFLOW = 0x0008
export const ALREADY_EXECUTING = 0x0010
export const CONFIG_CORRUPT = 0x0020
