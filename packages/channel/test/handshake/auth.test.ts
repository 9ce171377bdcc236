import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import { checkAuth, checkConfirm, makeAuth, makeConfirm } from '#src/handshake/auth.ts'
import { finalSecrets, finishedProof, signatureInput } from '#src/handshake/key-schedule.ts'
import { extend } from '#src/handshake/transcript.ts'
import { codeOf } from '../support/code-of.ts'
import { HEAD, STRANGER } from '../support/identities.ts'

const master = new Uint8Array(64).fill(0x11)
const transcript = new Uint8Array(64).fill(0x22)
const signature = HEAD.signSync(signatureInput('responder', transcript))

describe("channel handshake: the contents 'auth' and 'confirm'", () => {
  const { content, transcript: after } = makeAuth(master, 'responder', transcript, signature)
  const check = (bytes: Uint8Array, key = HEAD.publicKey, secret = master, hash = transcript): Uint8Array =>
    checkAuth(bytes, key, secret, 'responder', hash)

  it('accepts what was made, and both ends arrive at the same transcript', () => {
    expect(check(content)).to.deep.equal(after)
  })

  it('does not accept a Finished that was made from the public transcript without the secret', () => {
    expect(codeOf(() => check(content, HEAD.publicKey, new Uint8Array(64)))).to.equal('channel.handshake.finished')
  })

  it('does not accept a Finished over another transcript', () => {
    const other = transcript.slice()
    other[0]! ^= 1
    expect(codeOf(() => check(content, HEAD.publicKey, master, other))).to.equal('channel.handshake.finished')
  })

  it('does not accept a valid Finished with the signature of another key', () => {
    expect(codeOf(() => check(content, STRANGER.publicKey))).to.equal('channel.handshake.signature')
  })

  it('does not accept the signature of the other role', () => {
    const wrongRole = HEAD.signSync(signatureInput('initiator', transcript))
    const made = makeAuth(master, 'responder', transcript, wrongRole)
    expect(codeOf(() => check(made.content))).to.equal('channel.handshake.signature')
  })

  it("does not accept one role's Finished as the other's", () => {
    const end = content.length - 32
    const swapped = content.slice()
    const signed = extend(transcript, content.subarray(0, end))
    swapped.set(finishedProof(master, 'initiator', signed), end)
    expect(codeOf(() => check(swapped))).to.equal('channel.handshake.finished')
  })

  it('does not accept a signature of another length', () => {
    for (const length of [0, 1, 3308, 3310, 60_000]) {
      const made = makeAuth(master, 'responder', transcript, new Uint8Array(length))
      expect(
        codeOf(() => check(made.content)),
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
    expect(checkConfirm(makeConfirm(proof), proof)).to.equal(undefined)
    for (let length = 34; length <= 37; length++) {
      expect(
        codeOf(() => checkConfirm(confirm.subarray(0, length), proof)),
        `${length}`,
      ).to.equal('decode.truncated')
    }
  })

  it('accepts a confirm over the same secret and transcript only', () => {
    const { confirm: proof } = finalSecrets(master, after)
    const confirm = makeConfirm(proof)
    checkConfirm(confirm, proof)
    const others = [finalSecrets(master, transcript), finalSecrets(new Uint8Array(64), after)]
    for (const { confirm: other } of others) {
      expect(codeOf(() => checkConfirm(confirm, other))).to.equal('channel.handshake.confirm')
    }
    expect(codeOf(() => checkConfirm(confirm.subarray(0, 32), proof))).to.equal('decode.truncated')
    expect(codeOf(() => checkConfirm(content, proof))).to.equal('channel.content')
  })
})
