import { expect } from 'chai'
import { SigningKey } from '@gridseal/pqc'
import type { AcceptConfig } from '#src/config/model.ts'
import { PeerKeys } from '#src/site/peer-keys.ts'
import { PeerSigners } from '#src/site/peer-signers.ts'

const ACCEPT: AcceptConfig = { signers: [], successors: 'signed', overlap: 3_600_000 }
const NS = 1_000_000n
const [FIRST, SECOND] = [SigningKey.generate('ML-DSA-44').publicKey, SigningKey.generate('ML-DSA-44').publicKey]

/** What is known of a peer that has shown these identities, one after the other. */
function known(...shown: readonly (typeof FIRST)[]): { signers: PeerSigners; keys: PeerKeys; said: string[] } {
  const said: string[] = []
  const options = { peer: undefined, accept: ACCEPT, listed: [], receipts: [], journal: undefined }
  const signers = new PeerSigners(options, () => undefined)
  const keys = new PeerKeys(options, signers, (_level, code) => said.push(code))
  for (const key of shown) keys.identify(key)
  return { signers, keys, said }
}

describe('the identity that a peer shows by certificates', () => {
  const now = (): bigint => BigInt(Date.now()) * NS

  it('signs nothing before it is known, and everything then', () => {
    const { signers, keys, said } = known()
    expect(signers.key(FIRST.fingerprint, now())).to.equal(undefined)
    keys.identify(FIRST)
    expect(signers.key(FIRST.fingerprint, now())).to.equal(FIRST)
    expect(said).to.deep.equal([])
  })

  it('of a renewed certificate is another key: the one before is believed for logs that had begun, no longer', () => {
    const { signers, keys, said } = known(FIRST)
    const began = now() - 1_000n * NS
    keys.identify(SECOND)
    keys.identify(SECOND)
    expect(said).to.deep.equal(['peer.renewed'])
    expect(signers.key(SECOND.fingerprint, now())).to.equal(SECOND)
    expect(signers.key(FIRST.fingerprint, began)).to.equal(FIRST)
    expect(signers.key(FIRST.fingerprint, now() + 1_000n * NS)).to.equal(undefined)
  })

  it('stays what it is when other signers are configured', () => {
    const { signers, keys } = known(FIRST, SECOND)
    keys.trust({ ...ACCEPT, successors: 'listed' }, [])
    expect(keys.key).to.equal(SECOND)
    expect(signers.key(SECOND.fingerprint, now())).to.equal(SECOND)
  })
})
