import type { ChKemEphemeral, Encapsulation } from '@gridseal/pqc'

/** A peer's public key, imported. */
export interface ImportedKey {
  /** `ephemeral` is shared with what else is encapsulated in the same handshake; other KEMs than CH-KEM have no use for it. */
  encapsulate(ephemeral?: ChKemEphemeral): Encapsulation
}

/** Some ten kilobytes each. */
const LIMIT = 1024

const imported = new Map<object, ImportedKey>()

/** The imported form of a key: those that were used last are kept, since to import one costs as much as to use it. */
export function importedKey(key: object, make: () => ImportedKey): ImportedKey {
  const kept = imported.get(key) ?? make()
  imported.delete(key)
  imported.set(key, kept)
  if (imported.size > LIMIT) {
    const [oldest] = imported.keys()
    if (oldest !== undefined) imported.delete(oldest)
  }
  return kept
}
