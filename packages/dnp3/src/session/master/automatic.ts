import type { AssociationSettings } from './master-options.ts'
import { classOctets, clearRestart, plainRequest, synchroniseTime } from './procedures.ts'
import { PRIORITY } from './task.ts'
import type { MasterProcedure } from './task.ts'

/** What a master does of its own accord, at the start and when an outstation's indications ask for it. */
export type AutomaticName =
  'clearRestart' | 'disableUnsolicited' | 'assignClass' | 'integrity' | 'timeSync' | 'enableUnsolicited' | 'eventScan'

const READ = 1
const ENABLE_UNSOLICITED = 20
const DISABLE_UNSOLICITED = 21
const ASSIGN_CLASS = 22

export interface AutomaticSpec {
  readonly name: AutomaticName
  readonly priority: number
  /** Configured at all. */
  wanted(settings: AssociationSettings): boolean
  run(settings: AssociationSettings, utc: (now: number) => number, now: number): MasterProcedure<unknown>
}

/** In the order in which they are run at the start. */
export const AUTOMATIC: readonly AutomaticSpec[] = [
  {
    name: 'clearRestart',
    priority: PRIORITY.clearRestart,
    wanted: ({ guest }) => !guest,
    run: () => clearRestart(),
  },
  {
    name: 'disableUnsolicited',
    priority: PRIORITY.disableUnsolicited,
    wanted: ({ disableUnsolicited }) => disableUnsolicited,
    run: () => tolerant(plainRequest(DISABLE_UNSOLICITED, classOctets([1, 2, 3]))),
  },
  {
    name: 'assignClass',
    priority: PRIORITY.assignClass,
    wanted: ({ assignClasses }) => assignClasses !== undefined,
    run: ({ assignClasses }) => plainRequest(ASSIGN_CLASS, assignClasses),
  },
  {
    name: 'integrity',
    priority: PRIORITY.integrity,
    wanted: ({ integrity }) => integrity.length > 0,
    run: ({ integrity }) => plainRequest(READ, classOctets(integrity)),
  },
  {
    name: 'timeSync',
    priority: PRIORITY.timeSync,
    wanted: ({ timeSync }) => timeSync !== 'none',
    run: ({ timeSync }, utc, now) => synchroniseTime(timeSync, utc, now),
  },
  {
    name: 'enableUnsolicited',
    priority: PRIORITY.enableUnsolicited,
    wanted: ({ unsolicited }) => unsolicited.length > 0,
    run: ({ unsolicited }) => tolerant(plainRequest(ENABLE_UNSOLICITED, classOctets(unsolicited))),
  },
  {
    name: 'eventScan',
    priority: PRIORITY.eventScan,
    wanted: ({ eventScan }) => eventScan.length > 0,
    run: ({ eventScan }) => plainRequest(READ, classOctets(eventScan)),
  },
]

/** An outstation without unsolicited responses says so with an error bit; asking again would not change it. */
function* tolerant(procedure: MasterProcedure<unknown>): MasterProcedure<void> {
  try {
    yield* procedure
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'dnp3.master.refused') throw error
  }
}
