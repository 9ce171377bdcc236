import type { DescriptorElement } from '../../codec/data-sets.ts'
import { dataSetId } from '../../codec/data-sets.ts'

/** One data set of an outstation. */
export interface DataSet {
  readonly descriptor: readonly DescriptorElement[]
  /** Bit 0 readable, 1 writable, 2 kept as a static object, 3 gives events, 4 defined by the master. */
  readonly characteristics: number
  /** Octets of each element, in the order of the descriptor. */
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
    else this.sets.push({ descriptor, characteristics: 0x13, values: [], time: undefined })
    return true
  }
}
