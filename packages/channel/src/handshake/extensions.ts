import { DecodeError } from '@gridseal/wire'
import type { Reader, Writer } from '@gridseal/wire'

/*
 * What not every hello has: count u8 || count x (type u8 || length u16 || value), in ascending order of type. A
 * responder passes over types it does not know; an initiator refuses them, since it has asked for nothing of the kind.
 */

/** Types of extensions. */
export const EXTENSION: {
  readonly cookie: 0x01
  readonly sharedKey: 0x02
  readonly ticket: 0x03
  readonly staticKey: 0x04
  readonly ordering: 0x05
  readonly certificates: 0x06
} = {
  /** ClientHello: what a HelloRetryRequest gave. */
  cookie: 0x01,
  /** ClientHello: identity of a pre-shared key, 1 to 255 bytes. ServerHello: empty, the key is mixed in. */
  sharedKey: 0x02,
  /** ClientHello: resumption ticket. ServerHello: empty, the session is resumed. */
  ticket: 0x03,
  /** Both: what was encapsulated to the other's static KEM identity. */
  staticKey: 0x04,
  /** ClientHello: ordering of records u8; absent on streams. */
  ordering: 0x05,
  /** Both, u8: 1 the sender has certificates to show, 2 it asks for the other's, 3 both; absent for neither. */
  certificates: 0x06,
}

export type Extensions = ReadonlyMap<number, Uint8Array>

/** Writes extensions; their types must ascend. */
export function writeExtensions(w: Writer, extensions: readonly (readonly [number, Uint8Array | undefined])[]): void {
  const at = w.length
  w.u8(0)
  let count = 0
  for (const [type, value] of extensions) {
    if (value === undefined) continue
    w.u8(type).u16be(value.length).bytes(value)
    count++
  }
  w.patchU8(at, count)
}

/** Reads extensions. Throws {@link DecodeError}, with `channel.hello.extensions` for a type twice or out of order. */
export function readExtensions(r: Reader): Extensions {
  const extensions = new Map<number, Uint8Array>()
  let last = -1
  for (let count = r.u8('extensionCount'); count > 0; count--) {
    const at = r.offset
    const type = r.u8('extensionType')
    if (type <= last) {
      throw new DecodeError('channel.hello.extensions', at, 'extensionType', `extension ${type} comes after ${last}`)
    }
    last = type
    extensions.set(type, r.take(r.u16be('extensionLength'), 'extension'))
  }
  return extensions
}
