import { UsageError } from '@gridseal/wire'
import type { DescriptorElement } from '../../codec/data-sets.ts'
import { DATA_SET_ELEMENT, dataSetId, encodeDataSet, valueElements } from '../../codec/data-sets.ts'
import type { Database } from './database.ts'

/** Bits of {@link DataSet.characteristics} (g86v2). */
export const DATA_SET: Readonly<Record<'READABLE' | 'WRITABLE' | 'STATIC' | 'EVENTS' | 'BY_MASTER', number>> = {
  READABLE: 0x01,
  WRITABLE: 0x02,
  STATIC: 0x04,
  EVENTS: 0x08,
  BY_MASTER: 0x10,
}

/** One data set of an outstation. */
export interface DataSet {
  readonly descriptor: readonly DescriptorElement[]
  /** See {@link DATA_SET}. */
  readonly characteristics: number
  /** Octets of each element that has a value, in the order of the descriptor. */
  values: readonly Uint8Array[]
  /** Milliseconds since 1970-01-01 UTC. */
  time: number | undefined
}

/** The data sets of an outstation: prototypes and descriptors by index, values. */
export class DataSetStore {
  readonly prototypes: (readonly DescriptorElement[])[]
  readonly sets: DataSet[]
  readonly #most: number

  /** `most`: how many prototypes, and how many data sets, masters may define. */
  constructor(prototypes: readonly (readonly DescriptorElement[])[] = [], sets: readonly DataSet[] = [], most = 32) {
    this.prototypes = [...prototypes]
    this.sets = [...sets]
    this.#most = most
  }

  byId(id: number): DataSet | undefined {
    return this.sets.find(({ descriptor }) => dataSetId(descriptor) === id)
  }

  /** A prototype or data set that a master defines; false: no more room. */
  define(group: 85 | 86, descriptor: readonly DescriptorElement[]): boolean {
    const list = group === 85 ? this.prototypes : this.sets
    if (list.length >= this.#most) return false
    if (group === 85) this.prototypes.push(descriptor)
    else {
      const characteristics = DATA_SET.READABLE | DATA_SET.WRITABLE | DATA_SET.BY_MASTER
      this.sets.push({ descriptor, characteristics, values: [], time: undefined })
    }
    return true
  }

  /** Places of the control status elements (CTLS) among the values of a data set; none: it takes no commands. */
  controlStatuses({ descriptor }: DataSet): number[] {
    const elements = valueElements(descriptor, this.prototypes)
    return elements.flatMap(({ code }, place) => (code === DATA_SET_ELEMENT.CTLS ? [place] : []))
  }

  /** Data sets that give events can be assigned to classes, like points. */
  register(database: Database): void {
    for (const [index, set] of this.sets.entries()) {
      if ((set.characteristics & DATA_SET.EVENTS) === 0 || database.point('data-set', index) !== undefined) continue
      database.add({ kind: 'data-set', index, value: snapshot(set, index) })
    }
  }

  /**
   * New values of a data set, and an event (g88) where its characteristics say so. `time`: milliseconds since 1970-01-01 UTC,
   * by default now by the outstation's clock. Throws {@link UsageError} `dnp3.data-set.unknown`.
   */
  update(id: number, values: readonly Uint8Array[], database: Database, now: number, time?: number): void {
    const set = this.byId(id)
    if (set === undefined) throw new UsageError('dnp3.data-set.unknown', `there is no data set ${id}`)
    set.values = values
    set.time = time ?? database.clock.utc(now)
    const index = this.sets.indexOf(set)
    const point = database.point('data-set', index)
    if (point !== undefined) database.updatePoint(point, { value: snapshot(set, index), time: set.time }, now, 'force')
  }
}

/** The octets of a data set's present values, as g87 and g88 have them. */
export function snapshot({ descriptor, values, time }: DataSet, index: number): Uint8Array {
  return encodeDataSet({ id: dataSetId(descriptor) ?? index, time, values })
}
