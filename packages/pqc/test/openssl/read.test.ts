import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  Certificate,
  CertificateRequest,
  DecapsulationKey,
  EncapsulationKey,
  RevocationList,
  SigningKey,
  VerifyingKey,
  algorithmInfo,
  providerSupports,
  verifyChain,
} from '@gridseal/pqc'
import type { AlgorithmName, ProviderName } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { ecdsaFromDer } from '#src/keys/ecdsa-der.ts'
import { ROOT } from '../../../../test/support/requirements.ts'
import type { CertificateRecords } from './certificate-records.ts'
import { VALID, recordCertificates } from './certificate-records.ts'
import { needOpenSsl } from './peer.ts'
import type { OpenSsl } from './peer.ts'
import { SHARED, bytes, formsOf, recordEncapsulation, recordKey, recordSignature } from './records.ts'
import type { EncapsulationRecord, KeyRecord, SignatureRecord } from './records.ts'

const PROVIDERS: readonly ProviderName[] = ['native', 'noble']

function fixture<T>(file: string): T {
  return JSON.parse(readFileSync(join(ROOT, 'fixtures/openssl', file), 'utf8')) as T
}

function providersOf(algorithm: AlgorithmName): ProviderName[] {
  return PROVIDERS.filter((provider) => providerSupports(provider, algorithm))
}

describe('what OpenSSL 3.5 wrote (fixtures/openssl)', function () {
  this.timeout(60_000)
  const { keys } = fixture<{ keys: KeyRecord[] }>('keys.json')
  const { signatures } = fixture<{ signatures: SignatureRecord[] }>('signatures.json')
  const { encapsulations } = fixture<{ encapsulations: EncapsulationRecord[] }>('encapsulations.json')

  it('has keys of every algorithm that both know', () => {
    expect(keys.map(({ algorithm }) => algorithm)).to.deep.equal(SHARED)
    expect([signatures.length, encapsulations.length]).to.deep.equal([7, 3])
  })

  for (const key of keys) {
    it(`${key.algorithm}: keys are read, and written again to the byte (${formsOf(key.algorithm).join(', ')})`, () =>
      sameKey(key))
  }
  for (const record of signatures) {
    const context = record.context === '' ? '' : ` with context "${record.context}"`
    it(`${record.algorithm}: a signature${context} verifies`, () => sameSignature(record))
  }
  for (const record of encapsulations) {
    it(`${record.algorithm}: a ciphertext opens to the same secret`, () => sameSecret(record))
  }
  it('certificates, a request and a revocation list are read and verify', () =>
    goodCertificates(fixture<{ certificates: CertificateRecords }>('certificates.json').certificates))
})

describe('what OpenSSL writes now', function () {
  this.timeout(60_000)
  let openssl: OpenSsl
  before(function () {
    openssl = needOpenSsl(this)
  })
  after(() => openssl?.close())

  for (const algorithm of SHARED) {
    it(`${algorithm}: keys, and what is made with them`, () => {
      const key = recordKey(openssl, algorithm)
      sameKey(key)
      if (algorithmInfo(algorithm).kind === 'kem') sameSecret(recordEncapsulation(openssl, key))
      else sameSignature(recordSignature(openssl, key, /^(ML|SLH)/.test(algorithm) ? 'grid/v1' : ''))
    })
  }
  it('certificates, a request and a revocation list', () => goodCertificates(recordCertificates(openssl)))
})

/** Every form leads to the one public key, and is written as it was read. */
function sameKey({ algorithm, publicKey, privateKey }: KeyRecord): void {
  const isKem = algorithmInfo(algorithm).kind === 'kem'
  const spki = bytes(publicKey)
  for (const provider of providersOf(algorithm)) {
    const options = { provider }
    const reread = (isKem ? EncapsulationKey : VerifyingKey).fromSpki(spki, options)
    expect(toHex(reread.toSpki())).to.equal(toHex(spki))
    const keys = formsOf(algorithm).map((form) => {
      const der = bytes(privateKey[form]!)
      const key = isKem ? DecapsulationKey.fromPkcs8(der, options) : SigningKey.fromPkcs8(der, options)
      expect(toHex(key.toPkcs8(form)), form).to.equal(toHex(der))
      const raw = key instanceof SigningKey ? key.publicKey.raw : key.publicKey
      expect(toHex(raw), form).to.equal(toHex(reread.raw))
      return [form, key] as const
    })
    // A key with its seed can be written in all forms, whichever it came in.
    for (const [form, key] of keys) {
      if (form === 'expanded') continue
      for (const other of formsOf(algorithm)) {
        expect(toHex(key.toPkcs8(other)), `${form} as ${other}`).to.equal(toHex(bytes(privateKey[other]!)))
      }
    }
  }
}

function sameSignature({ algorithm, publicKey, message, context, signature }: SignatureRecord): void {
  const written = bytes(signature)
  // OpenSSL writes ECDSA signatures as ASN.1; ours are r || s.
  const half = algorithm.startsWith('ECDSA') ? algorithmInfo(algorithm).seedLength : 0
  const raw = half === 0 ? written : ecdsaFromDer(written, half)!
  const text = new TextEncoder().encode(message)
  const options = context === '' ? {} : { context: new TextEncoder().encode(context) }
  for (const provider of providersOf(algorithm)) {
    const key = VerifyingKey.fromSpki(bytes(publicKey), { provider })
    expect(key.verify(text, raw, options), provider).to.equal(true)
    if (context !== '') expect(key.verify(text, raw), `${provider}, no context`).to.equal(false)
    expect(key.verify(text, raw.with(7, raw[7]! ^ 1), options), `${provider}, changed`).to.equal(false)
  }
}

function sameSecret({ algorithm, privateKey, ciphertext, sharedSecret }: EncapsulationRecord): void {
  for (const provider of providersOf(algorithm)) {
    const key = DecapsulationKey.fromPkcs8(bytes(privateKey), { provider })
    expect(toHex(key.decapsulate(bytes(ciphertext))), provider).to.equal(toHex(bytes(sharedSecret)))
  }
}

function goodCertificates(records: CertificateRecords): void {
  const read = (name: 'root' | 'intermediate' | 'device' | 'kem' | 'revoked' | 'slhDsa'): Certificate => {
    const certificate = Certificate.fromPem(records[name])
    expect(certificate.toPem(), name).to.equal(records[name])
    return certificate
  }
  const [root, middle] = [read('root'), read('intermediate')]
  const revocationLists = [RevocationList.fromPem(records.revocationList)]
  expect(revocationLists[0]!.toPem()).to.equal(records.revocationList)
  const options = { now: VALID, roots: [root], intermediates: [middle], revocationLists }
  const verified = verifyChain(read('device'), {
    ...options,
    host: 'meter-7.example',
    purpose: 'serverAuth',
  })
  expect(verified.path.map(({ signatureAlgorithm }) => signatureAlgorithm)).to.deep.equal([
    'ML-DSA-44',
    'ML-DSA-65',
    'ML-DSA-65',
  ])
  expect(verifyChain(read('kem'), options).path).to.have.length(3)
  expect(() => verifyChain(read('revoked'), options)).to.throw(/revoked/)
  const slhDsa = read('slhDsa')
  expect(slhDsa.isSignedBy(slhDsa.publicKey())).to.equal(true)
  const request = CertificateRequest.fromPem(records.request)
  expect(request.verify()).to.equal(true)
  expect(request.toPem()).to.equal(records.request)
  expect(request.extensions.subjectAltName).to.deep.equal([{ type: 'dns', value: 'meter-7.example' }])
  expect(toHex(request.spki)).to.equal(toHex(read('device').spki))
}
