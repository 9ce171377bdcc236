/** A command as it came: a control relay output block (g12v1, v2), a value for an analog output (g41), or a data set (g87). */
export type OutstationCommand =
  | {
      readonly kind: 'binary'
      readonly index: number
      /** See decodeControlCode. */
      readonly code: number
      readonly count: number
      /** Milliseconds. */
      readonly onTime: number
      readonly offTime: number
    }
  | { readonly kind: 'analog'; readonly index: number; readonly variation: number; readonly value: number }
  | {
      readonly kind: 'data-set'
      /** Identifier of the data set. */
      readonly id: number
      /** Milliseconds since 1970-01-01 UTC. */
      readonly time: number | undefined
      /** Octets of each element that has a value, in the order of the descriptor. */
      readonly values: readonly Uint8Array[]
      /** Places of the control status elements (CTLS) among the values: one octet each, 0 in a request. */
      readonly statuses: readonly number[]
    }

/** What SELECT has armed: the octets of its objects, and when. */
export interface Selection {
  readonly objects: Uint8Array
  readonly sequence: number
  readonly at: number
}
