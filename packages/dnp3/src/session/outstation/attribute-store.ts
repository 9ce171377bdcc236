import { UsageError } from '@gridseal/wire'
import type { AttributeListEntry, AttributeValue } from '../../codec/attributes.ts'
import { ALL_ATTRIBUTES, ATTRIBUTE_LIST, attributeOf } from '../../codec/attributes.ts'

interface Attribute {
  value: AttributeValue
  readonly writable: boolean
}

/** One device attribute as it is configured. */
export interface AttributeOptions {
  /** 0: the standard's set; 1..255 private ones. Default 0. */
  readonly set?: number
  readonly variation: number
  readonly value: AttributeValue
  /** Default: what the standard says of set 0, else false. */
  readonly writable?: boolean
}

/** The device attributes of an outstation (g0), by set and variation. */
export class AttributeStore {
  readonly #sets = new Map<number, Map<number, Attribute>>()

  /** Throws {@link UsageError} `dnp3.attribute.option`. */
  constructor(attributes: readonly AttributeOptions[]) {
    for (const { set = 0, variation, value, writable } of attributes) {
      if (variation < 1 || variation >= ALL_ATTRIBUTES || set < 0 || set > 255) {
        throw new UsageError('dnp3.attribute.option', `no attribute ${variation} of set ${set}`)
      }
      const attributesOfSet = this.#sets.get(set) ?? new Map<number, Attribute>()
      this.#sets.set(set, attributesOfSet)
      const standard = set === 0 && attributeOf(variation)?.writable === true
      attributesOfSet.set(variation, { value, writable: writable ?? standard })
    }
  }

  get(set: number, variation: number): AttributeValue | undefined {
    if (variation === ATTRIBUTE_LIST) {
      const value = this.list(set)
      return value.length === 0 ? undefined : { type: 'LIST', value }
    }
    return this.#sets.get(set)?.get(variation)?.value
  }

  /** Variations of a set in ascending order, and which can be written. */
  list(set: number): AttributeListEntry[] {
    const entries = [...(this.#sets.get(set) ?? [])]
    return entries
      .map(([variation, { writable }]) => ({ variation, writable }))
      .sort((a, b) => a.variation - b.variation)
  }

  /** False: there is none, it cannot be written, or it is of another type. */
  write(set: number, variation: number, value: AttributeValue): boolean {
    const attribute = this.#sets.get(set)?.get(variation)
    if (attribute?.writable !== true || attribute.value.type !== value.type) return false
    attribute.value = value
    return true
  }
}
