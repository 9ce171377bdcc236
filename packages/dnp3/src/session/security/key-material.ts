import { Writer } from '@gridseal/wire'
import type { KeyStatus, UserStatusChange } from '../../codec/security-objects.ts'
import { KEY_STATUS } from '../../codec/security-objects.ts'
import { hmac, symmetricMethod, unwrapKey, wrapKey } from './algorithms.ts'

/** The keys of a session: requests and their authentication go under one, responses under the other. */
export interface SessionKeys {
  readonly control: Uint8Array
  readonly monitor: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** The octets of a key status that the wrapped keys must repeat: all but the MAC. */
export function statusBody(status: KeyStatus): Uint8Array {
  return KEY_STATUS.encode({ ...status, mac: NOTHING })
}

/** Session keys under the update key, with the key status that they answer (g120v6). */
export function wrapSessionKeys(
  updateKey: Uint8Array,
  { control, monitor }: SessionKeys,
  status: Uint8Array,
): Uint8Array {
  const plain = new Writer(128).u16le(control.length).bytes(control).bytes(monitor).bytes(status).finish()
  return wrapKey(updateKey, plain)
}

/** The session keys of a g120v6; undefined if they are not wrapped under this key, or answer another key status. */
export function unwrapSessionKeys(
  updateKey: Uint8Array,
  wrapped: Uint8Array,
  status: Uint8Array,
): SessionKeys | undefined {
  const plain = unwrapKey(updateKey, wrapped)
  if (plain === undefined || plain.length < 2) return undefined
  const length = plain[0]! | (plain[1]! << 8)
  const end = 2 + 2 * length
  if (length < 16 || length > 32 || plain.length < end + status.length) return undefined
  for (let i = 0; i < status.length; i++) if (plain[end + i] !== status[i]) return undefined
  return { control: plain.slice(2, 2 + length), monitor: plain.slice(2 + length, end) }
}

/** What the authority certifies of a user: HMAC under its key, with the hash of its method (3 or 4). */
export function certification(
  authorityKey: Uint8Array,
  change: Omit<UserStatusChange, 'certification' | 'method'>,
): Uint8Array {
  const { operation, scs, role, expiryDays, userName } = change
  const input = new Writer(64).u8(operation).u32le(scs).u16le(role).u16le(expiryDays)
  return hmac(symmetricMethod(authorityKey).hash, authorityKey, input.u16le(userName.length).bytes(userName).finish())
}

/** A new update key under the authority's key (g120v13), which is of the same length. */
export function encryptUpdateKey(
  authorityKey: Uint8Array,
  userName: Uint8Array,
  updateKey: Uint8Array,
  challenge: Uint8Array,
): Uint8Array {
  return wrapKey(authorityKey, Buffer.concat([userName, updateKey, challenge]))
}

/** The update key of a g120v13; undefined if name or challenge are not what was agreed. */
export function decryptUpdateKey(
  authorityKey: Uint8Array,
  userName: Uint8Array,
  challenge: Uint8Array,
  encrypted: Uint8Array,
): Uint8Array | undefined {
  const plain = unwrapKey(authorityKey, encrypted)
  const keyLength = authorityKey.length
  const length = userName.length + keyLength + challenge.length
  if (plain === undefined || plain.length < length || plain.length > length + 7) return undefined
  const key = plain.slice(userName.length, userName.length + keyLength)
  const expected = Buffer.concat([userName, key, challenge])
  return Buffer.compare(plain.subarray(0, length), expected) === 0 ? key : undefined
}

/** What proves that a side has the new update key (g120v15): the first name and challenge are the other side's. */
export function updateKeyConfirmation(
  updateKey: Uint8Array,
  name: Uint8Array,
  first: Uint8Array,
  second: Uint8Array,
  ksq: number,
  user: number,
): Uint8Array {
  const numbers = new Writer(6).u32le(ksq).u16le(user).finish()
  return hmac(symmetricMethod(updateKey).hash, updateKey, name, first, second, numbers)
}
