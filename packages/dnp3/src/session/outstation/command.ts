/** A command as it came: a control relay output block (g12v1, v2), or a value for an analog output (g41). */
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

/** What SELECT has armed: the octets of its objects, and when. */
export interface Selection {
  readonly objects: Uint8Array
  readonly sequence: number
  readonly at: number
}
