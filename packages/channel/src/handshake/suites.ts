/** A suite names all algorithms of a session: key agreement, record encryption, key derivation, transcript hash. */
export interface Suite {
  readonly id: number
  readonly name: string
}

/** The suite that every implementation has, and whose share an initiator sends unasked. */
export const DEFAULT_SUITE: Suite = { id: 0x0001, name: 'CH-KEM-v1, AES-256-GCM, SHAKE256, SHA3-512' }

/** In order of preference. */
export const SUITES: readonly Suite[] = [DEFAULT_SUITE]

/** The first offered suite that is known here. */
export function chooseSuite(offered: readonly number[]): Suite | undefined {
  for (const id of offered) {
    const suite = SUITES.find((row) => row.id === id)
    if (suite !== undefined) return suite
  }
  return undefined
}
