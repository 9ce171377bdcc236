import type { Outbox } from '../outbox.ts'
import type { AttributeStore } from './attribute-store.ts'
import type { DataSetStore } from './data-set-store.ts'
import type { Database } from './database.ts'
import type { FileOptions } from './file-desk.ts'
import type { OutstationHandler } from './handler.ts'
import type { OutstationSession } from './outstation-session.ts'
import type { ScheduleStore } from './schedule-store.ts'
import type { SecurityGate } from './security-gate.ts'

/** What an outstation has besides its points. */
export interface OutstationParts {
  readonly database: Database
  readonly outbox: Outbox
  readonly handler?: OutstationHandler
  readonly attributes?: AttributeStore
  readonly dataSets?: DataSetStore
  readonly schedules?: ScheduleStore
  readonly files?: FileOptions
  /** Secure authentication; default none. */
  readonly security?: (session: OutstationSession) => SecurityGate
}
