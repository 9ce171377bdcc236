import { DecodeError } from '@gridseal/wire'

/*
 * What a record holds once it is opened: kind u8 || fields. The kind is inside the encryption, so that a closing, a
 * rekey and a short message look alike on the wire.
 */

/** Kinds of content. `auth` and `confirm` occur in the handshake only, the others only after it. */
export const CONTENT: {
  readonly auth: 0x01
  readonly confirm: 0x02
  readonly data: 0x10
  readonly rekey: 0x11
  readonly close: 0x12
  readonly alert: 0x13
} = { auth: 0x01, confirm: 0x02, data: 0x10, rekey: 0x11, close: 0x12, alert: 0x13 }

/** Bytes before the message in `data`: kind and port. */
export const DATA_HEADER = 3

/** A record's content after the handshake. `bytes` are a view of what was opened. */
export type Content =
  | { readonly kind: 'data'; readonly port: number; readonly bytes: Uint8Array }
  | { readonly kind: 'rekey' }
  | { readonly kind: 'close' }
  | { readonly kind: 'alert'; readonly code: number }

/** Writes `data` (kind || port u16 || message) to the start of `target`. The port must be 0 to 65535. */
export function writeData(port: number, message: Uint8Array, target: Uint8Array): void {
  target[0] = CONTENT.data
  target[1] = port >>> 8
  target[2] = port
  target.set(message, DATA_HEADER)
}

/** `rekey`: kind alone. Records after it are sealed under the next epoch's key. */
export function encodeRekey(): Uint8Array {
  return Uint8Array.of(CONTENT.rekey)
}

/** `close`: kind alone. Nothing follows it. */
export function encodeClose(): Uint8Array {
  return Uint8Array.of(CONTENT.close)
}

/** `alert`: kind || code u8. Nothing follows it. */
export function encodeAlert(code: number): Uint8Array {
  return Uint8Array.of(CONTENT.alert, code)
}

/** Reads what a record held. Throws {@link DecodeError} `channel.content`. */
export function decodeContent(content: Uint8Array): Content {
  switch (content[0]) {
    case CONTENT.data:
      if (content.length < DATA_HEADER) break
      return { kind: 'data', port: (content[1]! << 8) | content[2]!, bytes: content.subarray(DATA_HEADER) }
    case CONTENT.rekey:
      if (content.length === 1) return { kind: 'rekey' }
      break
    case CONTENT.close:
      if (content.length === 1) return { kind: 'close' }
      break
    case CONTENT.alert:
      if (content.length === 2) return { kind: 'alert', code: content[1]! }
      break
    default:
      break
  }
  const kind = content[0] ?? 'nothing'
  throw new DecodeError('channel.content', 0, 'kind', `${kind} in ${content.length} bytes does not belong in a session`)
}
