import { randomBytes, scrypt } from 'node:crypto'
import { AuthError, BER, BerReader, BerWriter, DecodeError, UsageError } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import { admit } from '../policy/module-state.ts'
import { AeadKey } from '../symmetric/aead.ts'
import { plainBytes } from '../symmetric/bytes.ts'

/*
 * Private keys under a passphrase: EncryptedPrivateKeyInfo (RFC 5958 3) with PBES2 (RFC 8018 6.2), scrypt (RFC 7914 7)
 * and AES-256-GCM (RFC 5084 3.2). The ciphertext ends in the tag.
 */

const PBES2 = '1.2.840.113549.1.5.13'
const SCRYPT = '1.3.6.1.4.1.11591.4.11'
const AES_256_GCM = '2.16.840.1.101.3.4.1.46'
const TAG_LENGTH = 16
const NO_AAD = new Uint8Array(0)

export interface ScryptCost {
  /** CPU and memory cost, a power of two. Default 2^17: 128 MiB and about half a second. */
  readonly N: number
  readonly r: number
  readonly p: number
}

export const DEFAULT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 }
/** What a file may ask of us: 256 MiB. */
const MAX_MEMORY = 256 * 1024 * 1024
const MAX_PARALLEL = 16

/** Encrypts PKCS#8. Throws `UsageError` `pqc.passphrase.empty`, `pqc.scrypt.cost`, `pqc.policy.refused` (FIPS mode). */
export async function encryptPkcs8(
  pkcs8: Uint8Array,
  passphrase: string,
  cost: ScryptCost = DEFAULT_COST,
): Promise<Uint8Array> {
  needBytes(pkcs8, 'pkcs8')
  if (!isPayable(cost)) throw new UsageError('pqc.scrypt.cost', 'the cost of scrypt is out of range')
  const [salt, nonce] = [plainBytes(randomBytes(32)), plainBytes(randomBytes(12))]
  const key = await derive(passphrase, salt, cost)
  const sealed = new AeadKey('AES-256-GCM', key).seal(nonce, pkcs8, NO_AAD)
  key.fill(0)
  return new BerWriter(sealed.length + 160)
    .constructed(BER.SEQUENCE, (info) => {
      info.constructed(BER.SEQUENCE, (algorithm) =>
        algorithm.oid(PBES2).constructed(BER.SEQUENCE, (pbes2) => {
          pbes2.constructed(BER.SEQUENCE, (kdf) =>
            kdf
              .oid(SCRYPT)
              .constructed(BER.SEQUENCE, (p) =>
                p.octetString(salt).integer(cost.N).integer(cost.r).integer(cost.p).integer(32),
              ),
          )
          pbes2.constructed(BER.SEQUENCE, (scheme) =>
            scheme.oid(AES_256_GCM).constructed(BER.SEQUENCE, (p) => p.octetString(nonce).integer(TAG_LENGTH)),
          )
        }),
      )
      info.octetString(sealed)
    })
    .finish()
}

/**
 * Decrypts what {@link encryptPkcs8} writes. Throws `DecodeError`, `pqc.scrypt.cost` among its codes for a file that
 * asks for too much, `AuthError` `pqc.passphrase.wrong`, and `UsageError` as {@link encryptPkcs8}.
 */
export async function decryptPkcs8(der: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const outer = BerReader.of(der, { der: true })
  const info = outer.enter(BER.SEQUENCE, 'EncryptedPrivateKeyInfo')
  outer.expectEnd('EncryptedPrivateKeyInfo')
  const pbes2 = parametersOf(info, PBES2, 'encryptionAlgorithm')
  const kdf = parametersOf(pbes2, SCRYPT, 'keyDerivationFunc')
  const salt = kdf.contents(BER.OCTET_STRING, 'salt')
  const cost = { N: kdf.integer('N'), r: kdf.integer('r'), p: kdf.integer('p') }
  if (!isPayable(cost)) throw kdf.error('pqc.scrypt.cost', 'N', 'the file asks for more than 256 MiB')
  if (!kdf.atEnd && kdf.integer('keyLength') !== 32) throw kdf.error('pqc.key.length', 'keyLength', 'must be 32')
  kdf.expectEnd('scrypt-params')
  const scheme = parametersOf(pbes2, AES_256_GCM, 'encryptionScheme')
  const nonce = scheme.contents(BER.OCTET_STRING, 'aes-nonce')
  const tagLength = scheme.is(BER.INTEGER) ? scheme.integer('aes-ICVlen') : 12
  if (nonce.length !== 12 || tagLength !== TAG_LENGTH) {
    throw scheme.error('pqc.scrypt.cipher', 'GCMParameters', 'the nonce must have 12 and the tag 16 bytes')
  }
  const sealed = info.contents(BER.OCTET_STRING, 'encryptedData')
  info.expectEnd('EncryptedPrivateKeyInfo')
  const key = await derive(passphrase, salt, cost)
  try {
    return new AeadKey('AES-256-GCM', key).open(nonce, sealed, NO_AAD)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    throw new AuthError('pqc.passphrase.wrong', 'the passphrase does not open the key', {}, error)
  } finally {
    key.fill(0)
  }
}

/** The parameters of an AlgorithmIdentifier that must have this identifier. */
function parametersOf(reader: BerReader, oid: string, field: string): BerReader {
  const identifier = reader.enter(BER.SEQUENCE, field)
  const at = identifier.offset
  const found = identifier.oid(field)
  if (found !== oid) throw new DecodeError('pqc.algorithm.unknown', at, field, `unknown algorithm ${found}`)
  const parameters = identifier.enter(BER.SEQUENCE, field)
  identifier.expectEnd(field)
  return parameters
}

function isPayable({ N, r, p }: ScryptCost): boolean {
  const whole = [N, r, p].every((number) => Number.isInteger(number))
  const powerOfTwo = N >= 2 && N <= 2 ** 24 && (N & (N - 1)) === 0
  return whole && powerOfTwo && r >= 1 && 128 * Math.max(N, p) * r <= MAX_MEMORY && p >= 1 && p <= MAX_PARALLEL
}

async function derive(passphrase: string, salt: Uint8Array, { N, r, p }: ScryptCost): Promise<Uint8Array> {
  if (typeof passphrase !== 'string' || passphrase.length === 0) {
    throw new UsageError('pqc.passphrase.empty', 'a passphrase is needed')
  }
  admit('scrypt', 'derive')
  return new Promise((resolve, reject) => {
    // The same characters in whatever form a keyboard sends them.
    scrypt(passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem: 2 * MAX_MEMORY }, (error, key) => {
      if (error) reject(new UsageError('pqc.scrypt.cost', 'scrypt failed', {}, error))
      else resolve(plainBytes(key))
    })
  })
}
