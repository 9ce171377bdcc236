import { expect } from 'chai'
import { SigningKey } from '@gridseal/pqc'
import type { AcceptConfig } from '#src/config/model.ts'
import { PeerKeys } from '#src/site/peer-keys.ts'
import { PeerSigners } from '#src/site/peer-signers.ts'

const ACCEPT: AcceptConfig = { signers: [], successors: 'signed', overlap: 3_600_000 }
const NS = 1_000_000n

describe('the identity that a peer shows by certificates', () => {
  const [first, second] = [SigningKey.generate('ML-DSA-44').publicKey, SigningKey.generate('ML-DSA-44').publicKey]
  const said: string[] = []
  const options = { peer: undefined, accept: ACCEPT, listed: [], receipts: [], journal: undefined }
  const signers = new PeerSigners(options, () => undefined)
  const keys = new PeerKeys(options, signers, (_level, code) => said.push(code))
  const now = (): bigint => BigInt(Date.now()) * NS

  it('signs nothing before it is known, and everything then', () => {
    expect(signers.key(first.fingerprint, now())).to.equal(undefined)
    keys.identify(first)
    expect(signers.key(first.fingerprint, now())).to.equal(first)
    expect(said).to.deep.equal([])
  })

  it('of a renewed certificate is another key: the one before is believed for logs that had begun, no longer', () => {
    const began = now() - 1_000n * NS
    keys.identify(second)
    keys.identify(second)
    expect(said).to.deep.equal(['peer.renewed'])
    expect(signers.key(second.fingerprint, now())).to.equal(second)
    expect(signers.key(first.fingerprint, began)).to.equal(first)
    expect(signers.key(first.fingerprint, now() + 1_000n * NS)).to.equal(undefined)
  })

  it('stays what it is when other signers are configured', () => {
    keys.trust({ ...ACCEPT, successors: 'listed' }, [])
    expect(keys.key).to.equal(second)
    expect(signers.key(second.fingerprint, now())).to.equal(second)
  })
})
