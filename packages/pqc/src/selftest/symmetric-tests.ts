import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  hkdfSync,
} from 'node:crypto'
import { InternalError, fromHex } from '@gridseal/wire'
import { reportFailure } from '../policy/module-state.ts'
import type { AlgorithmTest, TestResult } from './algorithm-test.ts'

/*
 * Power-on tests of the symmetric algorithms and hashes of node:crypto, and of X25519, which stands beside the algorithm
 * tables as they do; run before the first key is made. They ask node:crypto itself, as the code that uses them stands on
 * them.
 */

const ABC = Buffer.from('abc')

export const SYMMETRIC_TESTS: readonly AlgorithmTest[] = [
  {
    name: 'SHA-256',
    source: 'FIPS 180-4 example "abc"',
    run: () => hash('sha256', ABC) === 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  {
    name: 'SHA-384',
    source: 'FIPS 180-4 example "abc"',
    run: () =>
      hash('sha384', ABC) ===
      'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  },
  {
    name: 'SHA-512',
    source: 'FIPS 180-4 example "abc"',
    run: () =>
      hash('sha512', ABC) ===
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  },
  {
    name: 'SHA3-256',
    source: 'FIPS 202 example "abc"',
    run: () => hash('sha3-256', ABC) === '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532',
  },
  {
    name: 'SHAKE256',
    source: 'FIPS 202, empty message',
    run: () =>
      createHash('shake256', { outputLength: 32 }).digest('hex') ===
      '46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f',
  },
  {
    name: 'HMAC-SHA-256',
    source: 'RFC 4231 test 2',
    run: () =>
      createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex') ===
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: 'HKDF-SHA-256',
    source: 'RFC 5869 A.1',
    run: () => {
      const [ikm, salt, info] = [
        Buffer.alloc(22, 0x0b),
        fromHex('000102030405060708090a0b0c'),
        fromHex('f0f1f2f3f4f5f6f7f8f9'),
      ]
      const okm = Buffer.from(hkdfSync('sha256', ikm, salt, info, 42)).toString('hex')
      return okm === '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
    },
  },
  {
    name: 'AES-256-GCM seal',
    source: 'GCM specification, test case 14',
    run: () => {
      const cipher = createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 })
      const sealed = Buffer.concat([cipher.update(Buffer.alloc(16)), cipher.final(), cipher.getAuthTag()])
      return sealed.toString('hex') === 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'
    },
  },
  {
    name: 'AES-256-GCM open, and refuse a damaged tag',
    source: 'GCM specification, test case 14',
    run: () => opens('d0d1c8a799996bf0265b98b5d48ab919') && !opens('d0d1c8a799996bf0265b98b5d48ab918'),
  },
  {
    name: 'AES-256-KW wrap and unwrap',
    source: 'RFC 3394 4.6',
    run: () => {
      const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
      const secret = Buffer.from('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f', 'hex')
      const iv = Buffer.alloc(8, 0xa6)
      const wrap = createCipheriv('id-aes256-wrap', key, iv)
      const wrapped = Buffer.concat([wrap.update(secret), wrap.final()])
      const unwrap = createDecipheriv('id-aes256-wrap', key, iv)
      return (
        wrapped.toString('hex') ===
          '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21' &&
        Buffer.concat([unwrap.update(wrapped), unwrap.final()]).equals(secret)
      )
    },
  },
  {
    name: 'AES-256-KWP wrap and unwrap',
    source: 'Wycheproof aes_kwp 161',
    run: () => {
      const key = fromHex('fce0429c610658ef8e7cfb0154c51de2239a8a317f5af5b6714f985fb5c4d75c')
      const secret = fromHex('287326b5ed0078e7ca0164d748f667e7')
      const iv = fromHex('a65959a6')
      const wrap = createCipheriv('id-aes256-wrap-pad', key, iv)
      const wrapped = Buffer.concat([wrap.update(secret), wrap.final()])
      const unwrap = createDecipheriv('id-aes256-wrap-pad', key, iv)
      return (
        wrapped.toString('hex') === 'e3eab96d9a2fda12f9e252053aff15e753e5ea6f5172c92b' &&
        Buffer.concat([unwrap.update(wrapped), unwrap.final()]).equals(secret)
      )
    },
  },
  {
    name: 'X25519',
    source: 'RFC 7748 5.2',
    run: () => {
      const [secret, peer] = [
        fromHex('302e020100300506032b656e04220420a046e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449a44'),
        fromHex('302a300506032b656e032100e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
      ]
      const privateKey = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' })
      const publicKey = createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' })
      const shared = diffieHellman({ privateKey, publicKey }).toString('hex')
      return shared === 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'
    },
  },
  {
    name: 'ChaCha20-Poly1305',
    source: 'RFC 8439 2.8.2',
    run: () => {
      const key = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
      const cipher = createCipheriv('chacha20-poly1305', key, fromHex('070000004041424344454647'), {
        authTagLength: 16,
      })
      const text =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
      cipher.setAAD(fromHex('50515253c0c1c2c3c4c5c6c7'), { plaintextLength: text.length })
      cipher.update(text)
      cipher.final()
      return cipher.getAuthTag().toString('hex') === '1ae10b594f09e26a7e902ecbd0600691'
    },
  },
]

function opens(tag: string): boolean {
  const decipher = createDecipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 })
  decipher.setAuthTag(fromHex(tag))
  const plaintext = decipher.update(fromHex('cea7403d4d606b6e074ec5d3baf39d18'))
  try {
    decipher.final()
  } catch {
    return false
  }
  return plaintext.equals(Buffer.alloc(16))
}

let passed: boolean | undefined

/** Runs the tests now and keeps the outcome. */
export function runSymmetricTests(tests: readonly AlgorithmTest[] = SYMMETRIC_TESTS): TestResult[] {
  const results = tests.map(({ name, source, run }): TestResult => {
    const start = performance.now()
    let good = false
    try {
      good = run()
    } catch {
      // Not there is as bad as wrong: everything stands on these.
    }
    if (!good) reportFailure({ test: name, provider: 'native' }, true)
    return { test: name, source, outcome: good ? 'passed' : 'failed', milliseconds: performance.now() - start }
  })
  passed = results.every(({ outcome }) => outcome === 'passed')
  return results
}

/** Runs the tests at the first call. Throws `InternalError` `pqc.self-test.failed`, also in the degraded mode. */
export function needSymmetric(): void {
  if (passed === undefined) runSymmetricTests()
  if (passed !== true) {
    throw new InternalError('pqc.self-test.failed', 'a self-test of hashes or symmetric ciphers failed')
  }
}

export function symmetricOutcome(): 'passed' | 'failed' | 'not run' {
  return passed === undefined ? 'not run' : passed ? 'passed' : 'failed'
}
