import { AuthError, Reader, Writer } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { RotatingMac, TAG_LENGTH } from '../protection/rotating-mac.ts'

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

/** What a cookie carries. */
export interface CookieState {
  readonly suite: number
  readonly transcript: Uint8Array
  readonly fixed: Uint8Array
}

/** Makes and opens cookies. `now` is any clock in ms that does not go back. */
export class CookieJar {
  readonly #mac: RotatingMac

  constructor(random: (count: number) => Uint8Array = randomBytes) {
    this.#mac = new RotatingMac(random, SECRET_LIFE)
  }

  mint(state: CookieState, address: Uint8Array, now: number): Uint8Array {
    const body = new Writer(COOKIE_LENGTH)
      .u48be(Math.floor(now))
      .u16be(state.suite)
      .bytes(state.transcript)
      .bytes(state.fixed)
      .finish()
    const cookie = new Uint8Array(COOKIE_LENGTH)
    cookie.set(body)
    cookie.set(this.#mac.tag(now, body, address), COOKIE_LENGTH - TAG_LENGTH)
    return cookie
  }

  /** Throws {@link AuthError} `channel.cookie`: forged, of another address, too old, or from the future. */
  open(cookie: Uint8Array, address: Uint8Array, now: number): CookieState {
    if (cookie.length !== COOKIE_LENGTH) throw bad('it has another length')
    const body = cookie.subarray(0, COOKIE_LENGTH - TAG_LENGTH)
    const tag = cookie.subarray(COOKIE_LENGTH - TAG_LENGTH)
    if (!this.#mac.knows(tag, now, body, address)) throw bad('it was not made here for this address')
    const r = new Reader(body)
    const age = Math.floor(now) - r.u48be('issued')
    if (age < 0 || age > COOKIE_LIFE) throw bad(`it is ${age} ms old`)
    return { suite: r.u16be('suite'), transcript: r.take(64, 'transcript'), fixed: r.take(32, 'fixed') }
  }
}

function bad(why: string): AuthError {
  return new AuthError('channel.cookie', `the cookie is not good: ${why}`)
}
