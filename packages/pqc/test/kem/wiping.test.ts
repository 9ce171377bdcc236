import { expect } from 'chai'
import { ChKemEncapsulationKey, generateChKemKeyPair, generateX25519 } from '@gridseal/pqc'
import type { Agreement, KemImplementation } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { ChKemEphemeral } from '#src/kem/ch-kem.ts'
import { hybridKem } from '#src/providers/hybrid-kem.ts'

/** What was handed over on the way, to be looked at afterwards. */
function watched(): { readonly seen: Uint8Array[]; readonly keep: (secret: Uint8Array) => Uint8Array } {
  const seen: Uint8Array[] = []
  return {
    seen,
    keep: (secret) => {
      seen.push(secret)
      return secret
    },
  }
}

describe('intermediate secrets are overwritten', () => {
  const secret = (): Uint8Array => new Uint8Array(32).fill(7)

  it('in hybrid KEMs: the expanded seed, and the secrets of both legs', () => {
    const { seen, keep } = watched()
    const mlKem: KemImplementation = {
      decapsulator: (seed) => {
        expect(toHex(keep(seed))).not.to.equal('00'.repeat(64))
        return { publicKey: new Uint8Array(1184), decapsulate: () => keep(secret()) }
      },
      encapsulator: () => ({
        encapsulate: () => ({ ciphertext: new Uint8Array(1088), sharedSecret: keep(secret()) }),
      }),
    }
    const agree = (): Agreement => ({
      publicKey: new Uint8Array(32),
      secret: () => secret(),
      agree: () => keep(secret()),
    })
    const kem = hybridKem('X-Wing', () => mlKem, agree)
    kem.decapsulator(secret()).decapsulate(new Uint8Array(1120))
    kem.encapsulator(new Uint8Array(1216)).encapsulate()
    expect(seen).to.have.length(5)
    for (const bytes of seen) expect(bytes.every((octet) => octet === 0)).to.equal(true)
  })

  it('in CH-KEM: the secret of X25519', () => {
    const { seen, keep } = watched()
    const x25519 = generateX25519()
    const ephemeral = ChKemEphemeral.of({
      publicKey: x25519.publicKey,
      secret: x25519.secret,
      agree: (peer) => keep(x25519.agree(peer)),
    })
    ChKemEncapsulationKey.fromRaw(generateChKemKeyPair().publicKey).encapsulate('initiator', ephemeral)
    expect(seen.map((bytes) => toHex(bytes))).to.deep.equal(['00'.repeat(32)])
  })
})
