import { Reader, Writer } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { RotatingMac, TAG_LENGTH } from '../protection/rotating-mac.ts'

/*
 * Who wants to be answered shows first that it receives at its address: the first packet is answered with a token,
 * and nothing is kept, gathered or computed before it comes back.
 *
 *   issued u48 (ms) || HMAC-SHA256( issued || connection id u32 || address )
 */

/** Bytes of a token. */
export const TOKEN_LENGTH: number = 6 + TAG_LENGTH
/** A token is good for so long, ms: a handshake may take that on a slow line. */
export const TOKEN_LIFE = 30_000
const SECRET_LIFE = 120_000

const UTF8 = new TextEncoder()

/** Makes and checks tokens. `now` is any clock in ms that does not go back. */
export class AddressTokens {
  readonly #mac: RotatingMac

  constructor(random: (count: number) => Uint8Array = randomBytes) {
    this.#mac = new RotatingMac(random, SECRET_LIFE)
  }

  mint(address: string, connection: number, now: number): Uint8Array {
    const issued = Math.floor(now)
    const tag = this.#mac.tag(now, bound(issued, connection, address))
    return new Writer(TOKEN_LENGTH).u48be(issued).bytes(tag).finish()
  }

  /** Whether a token was made here, for this address and connection, and not too long ago. */
  good(token: Uint8Array, address: string, connection: number, now: number): boolean {
    if (token.length !== TOKEN_LENGTH) return false
    const r = new Reader(token)
    const issued = r.u48be('issued')
    const age = Math.floor(now) - issued
    if (age < 0 || age > TOKEN_LIFE) return false
    return this.#mac.knows(r.rest(), now, bound(issued, connection, address))
  }
}

function bound(issued: number, connection: number, address: string): Uint8Array {
  return new Writer(64).u48be(issued).u32be(connection).bytes(UTF8.encode(address)).finish()
}
