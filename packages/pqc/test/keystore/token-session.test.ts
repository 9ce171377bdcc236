import { tmpdir } from 'node:os'
import { expect } from 'chai'
import { Pkcs11KeyStore } from '@gridseal/pqc'
import { AuthError, UsageError } from '@gridseal/wire'
import type { Pkcs11 } from '#src/keystore/pkcs11-binding.ts'
import { Token32 } from './token-3-2.ts'

const OPTIONS = { library: 'x', token: 'token 3.2', pin: '1', folder: tmpdir() }
const MESSAGE = new TextEncoder().encode('tap position 7')
const OPERATION_ACTIVE = 0x90
const SESSION_CLOSED = 0xb0
const PIN_INCORRECT = 0xa0

describe('the session with a token', () => {
  it('is not opened with an option that was misspelt: seeds would be bound to another purpose', async () => {
    const wrong = { ...OPTIONS, purposes: 'archive' }
    const error: unknown = await Pkcs11KeyStore.open(wrong, new Token32() as unknown as Pkcs11).catch((e: unknown) => e)
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.option.unknown')
  })

  it('is not opened with a refused PIN again and again: tokens lock after a few', async () => {
    const token = new Token32()
    const store = await Pkcs11KeyStore.open(OPTIONS, token as unknown as Pkcs11)
    const key = await store.generate('station', 'ML-DSA-65')
    // The session ends, and meanwhile somebody has given the token another PIN.
    token.signResult = SESSION_CLOSED
    token.loginResult = PIN_INCORRECT
    const before = token.logins
    for (let i = 0; i < 5; i++) {
      expect(await key.sign(MESSAGE).catch((error: unknown) => error)).to.be.instanceOf(Error)
      expect((await store.health()).ok).to.equal(false)
    }
    expect(token.logins - before).to.equal(1)
    const error: unknown = await key.sign(MESSAGE).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(AuthError).with.property('code', 'pqc.hsm.pin')
    await store.close()
  })

  it('is opened anew where an operation was left half-done: it would be in the way for ever', async () => {
    const token = new Token32()
    const store = await Pkcs11KeyStore.open(OPTIONS, token as unknown as Pkcs11)
    const key = await store.generate('station', 'ML-DSA-65')
    token.signResult = OPERATION_ACTIVE
    token.onOpen = () => {
      token.signResult = 0
    }
    expect(key.publicKey.verify(MESSAGE, await key.sign(MESSAGE))).to.equal(true)
    expect((await store.health()).reconnects).to.equal(1)
    await store.close()
  })

  it('is closed again where the token refuses the PIN', async () => {
    const token = new Token32()
    const other = await Pkcs11KeyStore.open(OPTIONS, token as unknown as Pkcs11)
    token.loginResult = PIN_INCORRECT
    const error: unknown = await Pkcs11KeyStore.open(OPTIONS, token as unknown as Pkcs11).catch((e: unknown) => e)
    expect(error).to.have.property('code', 'pqc.hsm.pin')
    expect(token.sessions.size).to.equal(1)
    await other.close()
    expect(token.sessions.size).to.equal(0)
  })
})
