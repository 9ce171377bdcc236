import { UsageError, toHex } from '@gridseal/wire'
import type { NamedKey } from '../handshake/initiator.ts'

/**
 * Where pre-shared keys come from. They are mixed into the key agreement, never used in its place. A source may hand
 * out a key only once (quantum key distribution, ETSI GS QKD 014: `next` is "get key", `find` is "get key with key
 * IDs") or the same one for years.
 */
export interface SharedKeySource {
  /** The initiator asks for the key of its next session with the responder of this fingerprint. */
  next(responder: Uint8Array): Promise<NamedKey>
  /** The responder looks a key up by the name that the initiator of this fingerprint sent in the clear; undefined where there is none. */
  find(id: Uint8Array, initiator?: Uint8Array): Promise<Uint8Array | undefined>
}

/** Least length of a pre-shared key in bytes: as strong as the rest. */
const MIN_LENGTH = 32

/**
 * Keys that are configured by hand; the first is the one an initiator uses. Throws {@link UsageError}
 * `channel.shared-key.length` for keys under 32 bytes and for names that are not 1 to 255 bytes long.
 */
export function configuredKeys(...keys: readonly NamedKey[]): SharedKeySource {
  const byName = new Map(keys.map((named) => [toHex(checkNamedKey(named).id), named]))
  const [first] = keys
  if (first === undefined) throw new UsageError('channel.shared-key.length', 'there is no key')
  return {
    next: () => Promise.resolve(first),
    find: (id) => Promise.resolve(byName.get(toHex(id))?.key),
  }
}

/** A key as it may be used. Throws {@link UsageError} `channel.shared-key.length`. */
export function checkNamedKey(named: NamedKey): NamedKey {
  const { id, key } = named
  if (id.length === 0 || id.length > 255 || key.length < MIN_LENGTH) {
    const text = `a pre-shared key has a name of 1 to 255 bytes and at least ${MIN_LENGTH} bytes itself`
    throw new UsageError('channel.shared-key.length', text, { name: id.length, key: key.length })
  }
  return named
}
