import { AuthError, Reader, Writer } from '@gridseal/wire'
import { MacKey, equalBytes, randomBytes } from '@gridseal/pqc'

/*
 * What a responder must remember of a first ClientHello travels in a cookie, so it keeps nothing:
 *
 *   issued u48 (ms) || suite u16 || transcript (64) || digest of the fixed fields (32) || tag (32)
 *
 * The tag is HMAC-SHA256 over the rest and the initiator's address, under a secret of this process.
 */

/** Bytes of a cookie. */
export const COOKIE_LENGTH = 136

/** A cookie is good for so long, ms. */
export const COOKIE_LIFE = 30_000
/** The secret is changed after so long, ms; the previous one is kept as long again. */
const SECRET_LIFE = 120_000
const TAG_LENGTH = 32

/** What a cookie carries. */
export interface CookieState {
  readonly suite: number
  readonly transcript: Uint8Array
  readonly fixed: Uint8Array
}

/** Makes and opens cookies. `now` is any clock in ms that does not go back. */
export class CookieJar {
  readonly #random: (count: number) => Uint8Array
  #current: MacKey
  #previous: MacKey
  #since = 0

  constructor(random: (count: number) => Uint8Array = randomBytes) {
    this.#random = random
    this.#current = new MacKey(random(32))
    this.#previous = this.#current
  }

  mint(state: CookieState, address: Uint8Array, now: number): Uint8Array {
    this.#turn(now)
    const body = new Writer(COOKIE_LENGTH)
      .u48be(Math.floor(now))
      .u16be(state.suite)
      .bytes(state.transcript)
      .bytes(state.fixed)
      .finish()
    const cookie = new Uint8Array(COOKIE_LENGTH)
    cookie.set(body)
    cookie.set(tagOf(this.#current, body, address), COOKIE_LENGTH - TAG_LENGTH)
    return cookie
  }

  /** Throws {@link AuthError} `channel.cookie`: forged, of another address, too old, or from the future. */
  open(cookie: Uint8Array, address: Uint8Array, now: number): CookieState {
    this.#turn(now)
    if (cookie.length !== COOKIE_LENGTH) throw bad('it has another length')
    const body = cookie.subarray(0, COOKIE_LENGTH - TAG_LENGTH)
    const tag = cookie.subarray(COOKIE_LENGTH - TAG_LENGTH)
    const known = [this.#current, this.#previous].some((key) => equalBytes(tag, tagOf(key, body, address)))
    if (!known) throw bad('it was not made here for this address')
    const r = new Reader(body)
    const age = Math.floor(now) - r.u48be('issued')
    if (age < 0 || age > COOKIE_LIFE) throw bad(`it is ${age} ms old`)
    return { suite: r.u16be('suite'), transcript: r.take(64, 'transcript'), fixed: r.take(32, 'fixed') }
  }

  #turn(now: number): void {
    if (now - this.#since < SECRET_LIFE) return
    this.#previous = this.#current
    this.#current = new MacKey(this.#random(32))
    this.#since = now
  }
}

function tagOf(key: MacKey, body: Uint8Array, address: Uint8Array): Uint8Array {
  return key.hmacSha256(body, address)
}

function bad(why: string): AuthError {
  return new AuthError('channel.cookie', `the cookie is not good: ${why}`)
}
