import { expect } from 'chai'
import { AuthError } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { COOKIE_LENGTH, COOKIE_LIFE, CookieJar } from '#src/handshake/cookie.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { codeOf } from '../support/code-of.ts'

const STATE = { suite: 0x0011, transcript: randomBytes(64), fixed: randomBytes(32) }
const HERE = new TextEncoder().encode('192.0.2.1')
const THERE = new TextEncoder().encode('192.0.2.2')

describe('channel cookies', () => {
  it('carry the state, for their address, for half a minute', () => {
    const jar = new CookieJar()
    const cookie = jar.mint(STATE, HERE, 1000)
    expect(cookie).to.have.length(COOKIE_LENGTH)
    expect(jar.open(cookie, HERE, 1000)).to.deep.equal(STATE)
    expect(jar.open(cookie, HERE, 1000 + COOKIE_LIFE)).to.deep.equal(STATE)
  })

  it('are refused from another address, too old, from the future, and made elsewhere', () => {
    const jar = new CookieJar()
    const cookie = jar.mint(STATE, HERE, 1000)
    expect(codeOf(() => jar.open(cookie, THERE, 1000))).to.equal('channel.cookie')
    expect(codeOf(() => jar.open(cookie, HERE, 1001 + COOKIE_LIFE))).to.equal('channel.cookie')
    expect(codeOf(() => jar.open(cookie, HERE, 999))).to.equal('channel.cookie')
    expect(codeOf(() => new CookieJar().open(cookie, HERE, 1000))).to.equal('channel.cookie')
  })

  it('survive one change of the secret, not two', () => {
    const jar = new CookieJar()
    const cookie = jar.mint(STATE, HERE, 119_990)
    expect(jar.open(cookie, HERE, 120_010)).to.deep.equal(STATE)
    jar.mint(STATE, HERE, 240_020)
    expect(codeOf(() => jar.open(cookie, HERE, 119_991))).to.equal('channel.cookie')
  })

  it('are refused whatever is changed', () => {
    const jar = new CookieJar()
    const cookie = jar.mint(STATE, HERE, 1000)
    for (const mutant of mutations(cookie)) {
      if (Buffer.compare(mutant, cookie) === 0) continue
      try {
        jar.open(mutant, HERE, 1000)
        expect.fail('a mutant was opened')
      } catch (error) {
        expect(error).to.be.instanceOf(AuthError)
      }
    }
  })
})
