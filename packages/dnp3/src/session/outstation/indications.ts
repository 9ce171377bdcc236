import * as IIN from './context.ts'
import type { Database } from './database.ts'
import type { EventBuffer } from './event-buffer.ts'
import type { OutstationSettings } from './options.ts'

/** What an outstation's indications tell of, besides {@link IndicationFlags}. */
export interface IndicationSource {
  readonly events: EventBuffer
  readonly database: Database
  readonly settings: OutstationSettings
  readonly localControl: boolean
  readonly deviceTrouble: boolean
  readonly configCorrupt: boolean
}

export interface IndicationFlags {
  /** A broadcast came that no response has told of yet. */
  readonly broadcast: boolean
  /** The device has restarted, and no master has cleared it. */
  readonly restart: boolean
}

/** The internal indications without the error bits of a request: IIN1 * 256 + IIN2 (IEEE 1815 clause 4). */
export function indicationsOf(source: IndicationSource, { broadcast, restart }: IndicationFlags, now: number): number {
  const { events, database, settings, localControl, deviceTrouble, configCorrupt } = source
  let iin = 0
  for (const eventClass of [1, 2, 3] as const) {
    if (events.waiting(eventClass) > 0) iin |= IIN.CLASS_EVENTS[eventClass]!
  }
  if (broadcast) iin |= IIN.BROADCAST_RECEIVED
  if (database.clock.needsTime(now, settings.timeInterval)) iin |= IIN.NEED_TIME
  if (localControl) iin |= IIN.LOCAL_CONTROL
  if (deviceTrouble) iin |= IIN.DEVICE_TROUBLE
  if (restart) iin |= IIN.DEVICE_RESTART
  if (events.overflow) iin |= IIN.EVENT_BUFFER_OVERFLOW
  if (configCorrupt) iin |= IIN.CONFIG_CORRUPT
  return iin
}
