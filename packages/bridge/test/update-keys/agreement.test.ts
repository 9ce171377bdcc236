import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { SigningKey } from '@gridseal/pqc'
import { AuthError, DecodeError } from '@gridseal/wire'
import { expect } from 'chai'
import { makeOffer, openAnswer, takeOffer } from '#src/update-keys/agreement.ts'
import { decodeMessage, encodeMessage } from '#src/update-keys/messages.ts'
import type { Answer } from '#src/update-keys/messages.ts'

const SUBJECT = { site: 'substation-7', link: 'rtu-1', user: 'bob' }
const ID = new Uint8Array(16).fill(9)
const lp = (octets: Uint8Array): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(octets.length)
  return Buffer.concat([length, octets])
}
const sha256 = (octets: Uint8Array): Buffer => createHash('sha256').update(octets).digest()

describe('the agreement on an update key', () => {
  const [headEnd, field] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('ML-DSA-65')]

  it('both ends have the same 32 octets, each agreement others', async () => {
    const keys = new Set<string>()
    for (let i = 0; i < 2; i++) {
      const open = await makeOffer(SUBJECT, ID, headEnd)
      const taken = takeOffer(SUBJECT.site, open.offer, headEnd.publicKey)
      const answer = await taken.answer(5, field)
      const key = openAnswer(SUBJECT.site, open, answer, field.publicKey)
      expect(key).to.have.length(32)
      expect(Buffer.from(taken.updateKey).equals(key)).to.equal(true)
      expect(answer.number).to.equal(5)
      keys.add(Buffer.from(key).toString('hex'))
    }
    expect(keys.size).to.equal(2)
  })

  it('the octets are those of the document: statements, HKDF and HMAC recomputed from node:crypto alone', async () => {
    const { offer, kem } = await makeOffer(SUBJECT, ID, headEnd)
    const taken = takeOffer(SUBJECT.site, offer, headEnd.publicKey)
    const answer = await taken.answer(5, field)
    const texts = [SUBJECT.site, SUBJECT.link, SUBJECT.user].map((text) => lp(Buffer.from(text)))
    const label = (text: string): Buffer => Buffer.from(text)
    const offered = Buffer.concat([label('gridseal dnp3 update key offer v1'), ...texts, lp(ID), lp(offer.kemKey)])
    expect(headEnd.publicKey.verify(offered, offer.signature)).to.equal(true)
    const info = Buffer.concat([
      label('gridseal dnp3 update key agreement v1'),
      sha256(offered),
      sha256(answer.ciphertext),
    ])
    const keys = Buffer.from(hkdfSync('sha256', kem.decapsulate(answer.ciphertext), Buffer.alloc(0), info, 64))
    expect(keys.subarray(0, 32).equals(taken.updateKey)).to.equal(true)
    const confirmation = createHmac('sha256', keys.subarray(32))
      .update(sha256(offered))
      .update(sha256(answer.ciphertext))
      .digest()
    expect(confirmation.equals(answer.confirmation)).to.equal(true)
    const answered = Buffer.concat([
      label('gridseal dnp3 update key answer v1'),
      sha256(offered),
      Buffer.from([5, 0]),
      lp(answer.ciphertext),
      lp(answer.confirmation),
    ])
    expect(field.publicKey.verify(answered, answer.signature)).to.equal(true)
  })

  it('an offer of another signer, for another link, user or site, or with another key is refused', async () => {
    const { offer } = await makeOffer(SUBJECT, ID, headEnd)
    const other = await makeOffer(SUBJECT, ID, headEnd)
    for (const [site, changed] of [
      [SUBJECT.site, { ...offer, link: 'rtu-2' }],
      [SUBJECT.site, { ...offer, user: 'eve' }],
      ['substation-8', offer],
      [SUBJECT.site, { ...offer, id: new Uint8Array(16) }],
      [SUBJECT.site, { ...offer, kemKey: other.offer.kemKey }],
    ] as const) {
      expect(() => takeOffer(site, changed, headEnd.publicKey)).to.throw(AuthError)
    }
    expect(() => takeOffer(SUBJECT.site, offer, field.publicKey)).to.throw(AuthError)
  })

  it('an answer of another signer, to another offer, or with anything changed is refused', async () => {
    const open = await makeOffer(SUBJECT, ID, headEnd)
    const answer = await takeOffer(SUBJECT.site, open.offer, headEnd.publicKey).answer(5, field)
    const flip = (octets: Uint8Array): Uint8Array =>
      Uint8Array.from(octets, (octet, i) => (i === 3 ? octet ^ 1 : octet))
    const changes: readonly Partial<Answer>[] = [
      { number: 6 },
      { ciphertext: flip(answer.ciphertext) },
      { confirmation: flip(answer.confirmation) },
      { signature: flip(answer.signature) },
    ]
    for (const change of changes) {
      expect(() => openAnswer(SUBJECT.site, open, { ...answer, ...change }, field.publicKey)).to.throw(AuthError)
    }
    const another = await makeOffer(SUBJECT, ID, headEnd)
    expect(() => openAnswer(SUBJECT.site, another, answer, field.publicKey)).to.throw(AuthError)
    expect(() => openAnswer(SUBJECT.site, open, answer, headEnd.publicKey)).to.throw(AuthError)
    // Signed, but by a field bridge that has agreed on something else.
    const wrong = await takeOffer(SUBJECT.site, { ...another.offer }, headEnd.publicKey).answer(5, field)
    expect(() => openAnswer(SUBJECT.site, open, wrong, field.publicKey)).to.throw(AuthError)
  })

  it('messages survive a round trip; what is none is a DecodeError', async () => {
    const { offer } = await makeOffer(SUBJECT, ID, headEnd)
    const answer = await takeOffer(SUBJECT.site, offer, headEnd.publicKey).answer(0xffff, field)
    const refusal = { kind: 'refusal', link: 'a', user: 'b', id: ID, reason: 'because' } as const
    for (const message of [offer, answer, refusal]) {
      const octets = encodeMessage(message)
      expect(decodeMessage(octets)).to.deep.equal(message)
      for (const length of [0, 1, 5, octets.length - 1]) {
        expect(() => decodeMessage(octets.subarray(0, length))).to.throw(DecodeError)
      }
    }
  })
})
