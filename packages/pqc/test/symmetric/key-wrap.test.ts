import { expect } from 'chai'
import { KeyWrapKey } from '@gridseal/pqc'
import type { KeyWrapMode } from '@gridseal/pqc'
import { AuthError, UsageError, fromHex, toHex } from '@gridseal/wire'

for (const provider of ['native', 'noble'] as const) {
  describe(`AES-256 key wrap, provider ${provider}`, () => {
    const key = new KeyWrapKey(new Uint8Array(32).fill(1), { provider })

    it('gives the example of RFC 3394 4.6', () => {
      const kek = new KeyWrapKey(
        Uint8Array.from({ length: 32 }, (_, i) => i),
        { provider },
      )
      const secret = fromHex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f')
      const wrapped = kek.wrap('KW', secret)
      expect(toHex(wrapped)).to.equal(
        '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
      )
      expect(kek.unwrap('KW', wrapped)).to.deep.equal(secret)
    })

    it('takes what the mode can wrap and nothing else: KW two blocks at least, KWP any octets, no more than 64 KiB', () => {
      const lengths: readonly (readonly [KeyWrapMode, number, boolean])[] = [
        ['KW', 0, false],
        ['KW', 8, false],
        ['KW', 16, true],
        ['KW', 17, false],
        ['KW', 65_536, true],
        ['KW', 65_544, false],
        ['KWP', 0, false],
        ['KWP', 1, true],
        ['KWP', 65_536, true],
        ['KWP', 65_537, false],
      ]
      for (const [mode, length, good] of lengths) {
        const secret = new Uint8Array(length).fill(7)
        if (good) expect(key.unwrap(mode, key.wrap(mode, secret)), `${mode} ${length}`).to.deep.equal(secret)
        else {
          expect(() => key.wrap(mode, secret), `${mode} ${length}`)
            .to.throw(UsageError)
            .with.property('code', 'pqc.wrap.length')
        }
      }
    })

    it('opens nothing that was cut, damaged, wrapped in the other mode or by another key', () => {
      const other = new KeyWrapKey(new Uint8Array(32).fill(2), { provider })
      for (const [mode, another] of [
        ['KW', 'KWP'],
        ['KWP', 'KW'],
      ] as const) {
        const wrapped = key.wrap(mode, new Uint8Array(24).fill(7))
        const refused = (call: () => unknown): void => {
          expect(call).to.throw(AuthError).with.property('code', 'pqc.wrap.open')
        }
        for (let length = 0; length < wrapped.length; length++) {
          refused(() => key.unwrap(mode, wrapped.subarray(0, length)))
        }
        for (let at = 0; at < wrapped.length; at++) {
          const damaged = wrapped.slice()
          damaged[at]! ^= 1
          refused(() => key.unwrap(mode, damaged))
        }
        refused(() => key.unwrap(another, wrapped))
        refused(() => other.unwrap(mode, wrapped))
        refused(() => key.unwrap(mode, new Uint8Array(65_552)))
      }
    })

    it('copies the key', () => {
      const bytes = new Uint8Array(32).fill(1)
      const copy = new KeyWrapKey(bytes, { provider })
      bytes.fill(9)
      expect(toHex(copy.wrap('KWP', Uint8Array.of(1)))).to.equal(toHex(key.wrap('KWP', Uint8Array.of(1))))
    })
  })
}
