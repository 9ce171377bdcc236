import type { AeadAlgorithm } from '@gridseal/pqc'

/** Key agreements of suites and of static identities. */
export type KemName = 'CH-KEM-v1' | 'X-Wing' | 'ML-KEM-768'

/** A suite names all algorithms of a session; key derivation is SHAKE256 and the transcript SHA-512 in all of them. */
export interface Suite {
  readonly id: number
  readonly name: string
  readonly kem: KemName
  readonly cipher: AeadAlgorithm
}

/** All suites, in the order in which they are offered unless the user says otherwise. */
export const SUITES: readonly Suite[] = [
  suite(0x0001, 'CH-KEM-v1', 'AES-256-GCM'),
  suite(0x0002, 'CH-KEM-v1', 'ChaCha20-Poly1305'),
  suite(0x0011, 'X-Wing', 'AES-256-GCM'),
  suite(0x0012, 'X-Wing', 'ChaCha20-Poly1305'),
  suite(0x0021, 'ML-KEM-768', 'AES-256-GCM'),
  suite(0x0022, 'ML-KEM-768', 'ChaCha20-Poly1305'),
]

/** The suite that every implementation has. */
export const DEFAULT_SUITE: Suite = SUITES[0]!

/** ML-KEM-768 alone has no classical net below it: only who asks for it gets it. */
export const DEFAULT_SUITES: readonly Suite[] = SUITES.filter(({ kem }) => kem !== 'ML-KEM-768')

/** The suite with this id or name. */
export function findSuite(idOrName: number | string): Suite | undefined {
  return SUITES.find(({ id, name }) => id === idOrName || name === idOrName)
}

/** The first offered suite that is allowed here: the initiator's order of preference decides. */
export function chooseSuite(offered: readonly number[], allowed: readonly Suite[]): Suite | undefined {
  for (const id of offered) {
    const match = allowed.find((row) => row.id === id)
    if (match !== undefined) return match
  }
  return undefined
}

function suite(id: number, kem: KemName, cipher: AeadAlgorithm): Suite {
  return { id, name: `${kem}, ${cipher}`, kem, cipher }
}
