import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import {
  checkAuth,
  checkConfirm,
  checkProof,
  finish,
  makeConfirm,
  proofFrame,
  signedAuth,
} from '#src/handshake/auth.ts'
import { finalSecrets, signatureInput } from '#src/handshake/key-schedule.ts'
import { codeOf } from '../support/code-of.ts'
import { FIELD, STRANGER } from '../support/identities.ts'

const master = new Uint8Array(64).fill(0x11)
const transcript = new Uint8Array(64).fill(0x22)
const signature = FIELD.signSync(signatureInput('initiator', transcript))

/** The initiator's auth with a Finished that fits. */
function authOf(
  signed: Uint8Array,
  secret = master,
): { readonly content: Uint8Array; readonly transcript: Uint8Array } {
  const auth = signedAuth(transcript, signed)
  return { content: finish(auth, finalSecrets(secret, auth.transcript).finished), transcript: auth.transcript }
}

describe("channel handshake: the contents 'auth' and 'confirm', and proofs by themselves", () => {
  const { content, transcript: after } = authOf(signature)
  const check = (bytes: Uint8Array, key = FIELD.publicKey, secret = master, hash = transcript): Uint8Array =>
    checkAuth(bytes, key, 'initiator', hash, (whole) => finalSecrets(secret, whole).finished)

  it('accepts what was made, and both ends arrive at the same transcript', () => {
    expect(check(content)).to.deep.equal(after)
  })

  it('does not accept a Finished that was made from the public transcript without the secret', () => {
    expect(codeOf(() => check(content, FIELD.publicKey, new Uint8Array(64)))).to.equal('channel.handshake.finished')
  })

  it('does not accept a Finished over another transcript', () => {
    const other = transcript.slice()
    other[0]! ^= 1
    expect(codeOf(() => check(content, FIELD.publicKey, master, other))).to.equal('channel.handshake.finished')
  })

  it('does not accept a valid Finished with the signature of another key', () => {
    expect(codeOf(() => check(content, STRANGER.publicKey))).to.equal('channel.handshake.signature')
  })

  it('does not accept the signature of the other role', () => {
    const wrongRole = authOf(FIELD.signSync(signatureInput('responder', transcript)))
    expect(codeOf(() => check(wrongRole.content))).to.equal('channel.handshake.signature')
  })

  it('does not accept the confirm in place of the Finished', () => {
    const swapped = content.slice()
    swapped.set(finalSecrets(master, after).confirm, content.length - 32)
    expect(codeOf(() => check(swapped))).to.equal('channel.handshake.finished')
  })

  it('does not accept a signature of another length', () => {
    for (const length of [0, 1, 3308, 3310, 60_000]) {
      expect(
        codeOf(() => check(authOf(new Uint8Array(length)).content)),
        `${length}`,
      ).to.equal('channel.handshake.signature')
    }
  })

  it('refuses another kind, a short field, and bytes left over', () => {
    const changed = (at: number, value: number): Uint8Array => {
      const copy = content.slice()
      copy[at] = value
      return copy
    }
    expect(codeOf(() => check(changed(0, 0x10)))).to.equal('channel.content')
    expect(codeOf(() => check(changed(1, 0xff)))).to.equal('decode.truncated')
    expect(codeOf(() => check(changed(1, 0x00)))).to.equal('decode.trailing')
    for (let length = 0; length < content.length; length += length < 8 ? 1 : 61) {
      expect(
        codeOf(() => check(content.subarray(0, length))),
        `${length}`,
      ).to.equal('decode.truncated')
    }
  })

  it('takes the ticket out of a confirm, and refuses one that is cut', () => {
    const { confirm: proof } = finalSecrets(master, after)
    const ticket = new Uint8Array(110).fill(0xa5)
    const confirm = makeConfirm(proof, { life: 86_400, ticket })
    expect(toHex(confirm)).to.equal(`02${toHex(proof)}00015180${toHex(ticket)}`)
    expect(checkConfirm(confirm, proof)).to.deep.equal({ life: 86_400, ticket })
    for (let length = 33; length <= 37; length++) {
      expect(
        codeOf(() => checkConfirm(confirm.subarray(0, length), proof)),
        `${length}`,
      ).to.equal('decode.truncated')
    }
  })

  it('accepts a confirm over the same secret and transcript only', () => {
    const given = { life: 1, ticket: new Uint8Array(1) }
    const { confirm: proof } = finalSecrets(master, after)
    const confirm = makeConfirm(proof, given)
    checkConfirm(confirm, proof)
    const others = [finalSecrets(master, transcript), finalSecrets(new Uint8Array(64), after)]
    for (const { confirm: other } of others) {
      expect(codeOf(() => checkConfirm(confirm, other))).to.equal('channel.handshake.confirm')
    }
    expect(codeOf(() => checkConfirm(confirm.subarray(0, 32), proof))).to.equal('decode.truncated')
    expect(codeOf(() => checkConfirm(content, proof))).to.equal('channel.content')
  })

  it('takes a proof by itself that is expected, of 32 bytes and with nothing behind it', () => {
    const { confirm: proof, finished } = finalSecrets(master, after)
    const checked = (frame: Uint8Array): string => codeOf(() => checkProof(frame, proof, 'channel.handshake.confirm'))
    expect(toHex(proofFrame(proof))).to.equal(`0400000020${toHex(proof)}`)
    expect(checked(proofFrame(proof))).to.equal('nothing thrown')
    expect(checked(proofFrame(finished))).to.equal('channel.handshake.confirm')
    for (let length = 0; length < 32; length++) {
      expect(checked(proofFrame(proof.subarray(0, length))), `${length}`).to.equal('channel.handshake.confirm')
    }
    expect(checked(proofFrame(Uint8Array.of(...proof, 0)))).to.equal('channel.handshake.confirm')
  })
})
