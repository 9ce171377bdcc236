import { UsageError } from '@gridseal/wire'

/** Units of the interval of a schedule (g50v4). */
export const INTERVAL_UNITS: readonly string[] = [
  'none',
  'milliseconds',
  'seconds',
  'minutes',
  'hours',
  'days',
  'weeks',
  'months, same day',
  'months, same weekday from the start',
  'months, same weekday from the end',
  'seasons',
]

/** A time at which something begins, and how often it comes again (g50v4). */
export interface Schedule {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly time: number
  /** In `units`; 0: it does not come again. */
  readonly interval: number
  /** See {@link INTERVAL_UNITS}. */
  readonly units: number
}

/** The schedules of an outstation, by index: masters read and write them, the equipment keeps them. */
export class ScheduleStore {
  readonly #schedules: Schedule[]

  /** Throws {@link UsageError} `dnp3.schedule`. */
  constructor(schedules: readonly Schedule[] = []) {
    const wrong = schedules.find((schedule) => !isSchedule(schedule))
    if (wrong !== undefined) throw new UsageError('dnp3.schedule', `no schedule: ${JSON.stringify(wrong)}`)
    this.#schedules = [...schedules]
  }

  get length(): number {
    return this.#schedules.length
  }

  get(index: number): Schedule | undefined {
    return this.#schedules[index]
  }

  /** False: there is no such schedule, or it could not be. */
  set(index: number, schedule: Schedule): boolean {
    if (index >= this.#schedules.length || !isSchedule(schedule)) return false
    this.#schedules[index] = schedule
    return true
  }
}

function isSchedule({ time, interval, units }: Schedule): boolean {
  const whole = (value: number, limit: number): boolean => Number.isInteger(value) && value >= 0 && value < limit
  return whole(time, 2 ** 48) && whole(interval, 2 ** 32) && whole(units, INTERVAL_UNITS.length)
}
