import { expect } from 'chai'
import {
  DecapsulationKey,
  EncapsulationKey,
  SigningKey,
  algorithmInfo,
  createCertificateRequest,
  isKemAlgorithm,
  issueRevocationList,
} from '@gridseal/pqc'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { ecdsaToDer } from '#src/keys/ecdsa-der.ts'
import { LATER, NOW, authority, device, kemCertificate } from '../x509/authority.ts'
import { needOpenSsl } from './peer.ts'
import type { OpenSsl } from './peer.ts'
import { SHARED, digestOf, formsOf, rewritten } from './records.ts'

const MESSAGE = 'tap position 7'
const CONTEXT = 'grid/v1'

describe('OpenSSL 3.5 reads what we write, and writes the same bytes', function () {
  this.timeout(60_000)
  let openssl: OpenSsl
  before(function () {
    openssl = needOpenSsl(this)
  })
  after(() => openssl?.close())

  for (const algorithm of SHARED) {
    it(`${algorithm}: keys in every form`, () => {
      const key = isKemAlgorithm(algorithm) ? DecapsulationKey.generate(algorithm) : SigningKey.generate(algorithm)
      const spki =
        key instanceof SigningKey
          ? key.publicKey.toSpki()
          : EncapsulationKey.fromRaw(key.algorithm, key.publicKey).toSpki()
      openssl.write('public.der', spki)
      expect(toHex(openssl.run(['pkey', '-pubin', '-in', 'public.der', '-outform', 'DER']))).to.equal(toHex(spki))
      for (const form of formsOf(algorithm)) {
        openssl.write('key.der', key.toPkcs8(form))
        expect(toHex(rewritten(openssl, algorithm, form)), form).to.equal(toHex(key.toPkcs8(form)))
        const theirs = openssl.run(['pkey', '-in', 'key.der', '-pubout', '-outform', 'DER'])
        expect(toHex(theirs), form).to.equal(toHex(spki))
      }
    })

    if (isKemAlgorithm(algorithm)) {
      it(`${algorithm}: opens our ciphertext to the same secret`, () => encapsulates(openssl, algorithm))
    } else it(`${algorithm}: verifies our signature`, () => signs(openssl, algorithm as SignatureAlgorithm))
  }

  for (const algorithm of [
    'ML-DSA-44',
    'ML-DSA-65',
    'ML-DSA-87',
    'SLH-DSA-SHA2-128s',
    'ECDSA-P256',
    'Ed25519',
  ] as const) {
    it(`${algorithm}: verifies our chain, request and revocation list`, async () => {
      const root = await authority('root', algorithm)
      const middle = await authority('middle', algorithm, root)
      const leaf = await device(middle, 'ML-DSA-44')
      const kem = await kemCertificate(middle)
      const certificates = {
        root: root.certificate,
        middle: middle.certificate,
        leaf: leaf.certificate,
        kem: kem.certificate,
      }
      for (const [name, certificate] of Object.entries(certificates)) {
        openssl.write(`${name}.pem`, certificate.toPem())
        const der = openssl.run(['x509', '-in', `${name}.pem`, '-outform', 'DER'])
        expect(toHex(der), name).to.equal(toHex(certificate.der))
      }
      const verify = ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'middle.pem', ...at(NOW)]
      expect(openssl.try([...verify, '-purpose', 'sslserver', 'leaf.pem'])).to.deep.equal({
        ok: true,
        text: 'leaf.pem: OK\n',
      })
      expect(openssl.try([...verify, 'kem.pem'])).to.deep.equal({ ok: true, text: 'kem.pem: OK\n' })

      const request = await createCertificateRequest({ CN: 'meter 7' }, leaf.key, { keyUsage: ['digitalSignature'] })
      openssl.write('request.pem', request.toPem())
      expect(openssl.try(['req', '-in', 'request.pem', '-verify', '-noout']).text).to.include('verify OK')

      const revoked = [{ serial: leaf.certificate.serial, date: NOW }]
      const data = { thisUpdate: NOW, nextUpdate: LATER, number: 1n, revoked }
      const list = await issueRevocationList(data, middle.issuer)
      openssl.write('list.pem', list.toPem())
      expect(toHex(openssl.run(['crl', '-in', 'list.pem', '-outform', 'DER']))).to.equal(toHex(list.der))
      const checked = [...verify, '-crl_check', '-CRLfile', 'list.pem']
      const { ok, text } = openssl.try([...checked, 'leaf.pem'])
      expect([ok, text.includes('certificate revoked')]).to.deep.equal([false, true])
      expect(openssl.try([...checked, 'kem.pem']).ok).to.equal(true)
    })
  }
})

function signs(openssl: OpenSsl, algorithm: SignatureAlgorithm): void {
  const key = SigningKey.generate(algorithm)
  openssl.write('public.der', key.publicKey.toSpki())
  openssl.write('message', MESSAGE)
  const contexts = hasContext(algorithm) ? ['', CONTEXT] : ['']
  for (const context of contexts) {
    const options = context === '' ? {} : { context: new TextEncoder().encode(context) }
    const signature = key.signSync(new TextEncoder().encode(MESSAGE), options)
    openssl.write('signature', algorithm.startsWith('ECDSA') ? ecdsaToDer(signature) : signature)
    const verify = [
      'pkeyutl',
      '-verify',
      '-rawin',
      '-pubin',
      '-inkey',
      'public.der',
      '-in',
      'message',
      '-sigfile',
      'signature',
    ]
    const under = (text: string): string[] => (text === '' ? [] : ['-pkeyopt', `context-string:${text}`])
    expect(openssl.try([...verify, ...digestOf(algorithm), ...under(context)]).text).to.include(
      'Signature Verified Successfully',
    )
    if (context !== '') expect(openssl.try([...verify, ...under('other')]).ok).to.equal(false)
  }
}

function encapsulates(openssl: OpenSsl, algorithm: KemAlgorithm): void {
  const key = DecapsulationKey.generate(algorithm)
  openssl.write('key.der', key.toPkcs8())
  const { ciphertext, sharedSecret } = EncapsulationKey.fromRaw(algorithm, key.publicKey).encapsulate()
  openssl.write('ciphertext', ciphertext)
  openssl.run(['pkeyutl', '-decap', '-inkey', 'key.der', '-in', 'ciphertext', '-secret', 'secret'])
  expect(toHex(openssl.read('secret'))).to.equal(toHex(sharedSecret))
}

function hasContext(algorithm: AlgorithmName): boolean {
  const { family } = algorithmInfo(algorithm)
  return family === 'ML-DSA' || family === 'SLH-DSA'
}

/** The time of our test certificates. */
function at(time: Date): string[] {
  return ['-attime', String(time.getTime() / 1000)]
}
