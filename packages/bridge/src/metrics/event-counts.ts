import type { BridgeEvent, Level, Report } from '../events.ts'

/** How often something was reported. */
export interface EventCount {
  readonly level: Level
  readonly code: string
  readonly count: number
}

/** Counts what a bridge reports, by level and code: codes are fixed names, so there are not many. */
export class EventCounts {
  readonly #counts = new Map<string, { readonly level: Level; readonly code: string; count: number }>()

  /** Has what is reported counted on its way. */
  counting(report: Report): Report {
    return (event) => {
      this.#add(event)
      report(event)
    }
  }

  get counts(): readonly EventCount[] {
    return [...this.#counts.values()]
  }

  #add({ level, code }: BridgeEvent): void {
    const key = `${level} ${code}`
    const counted = this.#counts.get(key)
    if (counted === undefined) this.#counts.set(key, { level, code, count: 1 })
    else counted.count++
  }
}
