import { X509Certificate, createPublicKey } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  Certificate,
  CertificateRequest,
  SigningKey,
  createCertificateRequest,
  issueCertificate,
  verifyChain,
} from '@gridseal/pqc'
import type { CertificateExtensions, SignatureAlgorithm } from '@gridseal/pqc'
import { AuthError, BerWriter, DecodeError, UsageError, encodeOid, toHex } from '@gridseal/wire'
import { withFolder } from '../../../../test/support/folders.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { needPeer } from '../../../../test/support/requirements.ts'
import { LATER, NOW, authority, device, kemCertificate } from './authority.ts'

const IN_NODE: readonly SignatureAlgorithm[] = [
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
  'SLH-DSA-SHA2-128f',
  'SLH-DSA-SHAKE-128f',
  'Ed25519',
  'ECDSA-P256',
  'ECDSA-P384',
]

describe('certificates', function () {
  this.timeout(60_000)

  for (const algorithm of IN_NODE) {
    it(`${algorithm}: node:crypto reads and verifies what we issue`, async () => {
      const root = await authority('root', algorithm)
      const { certificate } = await device(root, algorithm)
      const [theirRoot, theirs] = [new X509Certificate(root.certificate.toPem()), new X509Certificate(certificate.der)]
      expect(theirs.verify(theirRoot.publicKey)).to.equal(true)
      expect(theirRoot.verify(theirRoot.publicKey)).to.equal(true)
      expect(theirs.checkIssued(theirRoot)).to.equal(true)
      expect([theirRoot.ca, theirs.ca]).to.deep.equal([true, false])
      expect(theirs.subject).to.equal('O=Netz\nCN=meter 7\nserialNumber=00-7')
      expect(theirs.subjectAltName).to.equal(
        'DNS:meter-7.netz.example, IP Address:127.0.0.1, URI:urn:dev:mac:0024befffe804ff1',
      )
      expect(theirs.serialNumber.toLowerCase()).to.equal(certificate.serial)
      expect(theirs.checkHost('meter-7.netz.example')).to.equal('meter-7.netz.example')
      expect(theirs.checkIP('127.0.0.1')).to.equal('127.0.0.1')
      expect(theirs.fingerprint256.replaceAll(':', '').toLowerCase()).to.equal(toHex(certificate.fingerprint))
      const raw = createPublicKey({ key: Buffer.from(certificate.spki), format: 'der', type: 'spki' })
      expect(theirs.publicKey.equals(raw)).to.equal(true)
    })
  }

  it('a composite signs certificates, too', async () => {
    const root = await authority('root', 'MLDSA65-ECDSA-P256-SHA512')
    expect(root.certificate.isSignedBy(root.key.publicKey)).to.equal(true)
    expect(Certificate.fromPem(root.certificate.toPem()).keyAlgorithm.name).to.equal('MLDSA65-ECDSA-P256-SHA512')
  })

  it('an ML-KEM key has a certificate for enciphering keys only (RFC 9935 5)', async () => {
    const root = await authority('root', 'ML-DSA-44')
    const { certificate } = await kemCertificate(root)
    expect(certificate.keyAlgorithm.name).to.equal('ML-KEM-768')
    expect(new X509Certificate(certificate.der).verify(new X509Certificate(root.certificate.der).publicKey)).to.equal(
      true,
    )
    expect(() => certificate.publicKey())
      .to.throw(UsageError)
      .with.property('code', 'pqc.key.kind')
  })

  it('OpenSSL’s command reads them', async function () {
    needPeer(this, 'openssl')
    await withFolder(async (folder) => {
      const root = await authority('root', 'ECDSA-P256')
      const { certificate } = await device(root, 'ECDSA-P256')
      const [rootFile, file] = [join(folder, 'root.pem'), join(folder, 'device.pem')]
      await writeFile(rootFile, root.certificate.toPem())
      await writeFile(file, certificate.toPem())
      const verified = execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', rootFile, file], {
        encoding: 'utf8',
      })
      expect(verified).to.equal(`${file}: OK\n`)
      const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', file], { encoding: 'utf8' })
      expect(text).to.include('TLS Web Server Authentication, TLS Web Client Authentication')
      expect(text).to.match(/X509v3 Key Usage: critical\s+Digital Signature\n/)
    })
  })

  describe('requests', () => {
    it('prove possession of the key, and ask for names', async () => {
      const key = SigningKey.generate('ML-DSA-44')
      const request = await createCertificateRequest({ CN: 'meter 7' }, key, {
        subjectAltName: [{ type: 'dns', value: 'meter-7' }],
      })
      const back = CertificateRequest.fromPem(request.toPem())
      expect(back.verify()).to.equal(true)
      expect(back.subject.attributes).to.deep.equal({ CN: 'meter 7' })
      expect(back.publicKey.equals(key.publicKey)).to.equal(true)
      expect(back.extensions.subjectAltName).to.deep.equal([{ type: 'dns', value: 'meter-7' }])
      const damaged = Uint8Array.from(request.der)
      damaged[damaged.length - 5]! ^= 1
      expect(CertificateRequest.fromDer(damaged).verify()).to.equal(false)
    })

    it('OpenSSL’s command verifies one', async function () {
      needPeer(this, 'openssl')
      await withFolder(async (folder) => {
        const request = await createCertificateRequest({ CN: 'meter 7' }, SigningKey.generate('ECDSA-P256'))
        const file = join(folder, 'request.pem')
        await writeFile(file, request.toPem())
        expect(() =>
          execFileSync('openssl', ['req', '-verify', '-noout', '-in', file], { stdio: ['ignore', 'pipe', 'pipe'] }),
        ).not.to.throw()
      })
    })
  })

  describe('are refused', () => {
    const key = SigningKey.generate('Ed25519')
    const issue = (extensions: CertificateExtensions): Promise<Certificate> =>
      issueCertificate(
        { subject: { CN: 'x' }, spki: key.publicKey.toSpki(), notBefore: NOW, notAfter: LATER, extensions },
        { name: { CN: 'x' }, signer: key },
      )
    const fails = async (promise: Promise<unknown>, code: string): Promise<void> => {
      const error: unknown = await promise.catch((thrown: unknown) => thrown)
      expect(error).to.have.property('code', code)
    }

    it('with a usage that the key cannot have', async () => {
      await fails(issue({ keyUsage: ['keyEncipherment'] }), 'pqc.x509.usage')
      await fails(issue({ keyUsage: ['keyCertSign'] }), 'pqc.x509.usage')
    })

    it('with 10,000 names, in bounded time', async () => {
      const names = Array.from({ length: 10_000 }, (_, i) => ({ type: 'dns' as const, value: `m${i}.example` }))
      const start = performance.now()
      await fails(issue({ subjectAltName: names }), 'pqc.x509.limit')
      expect(performance.now() - start).to.be.lessThan(1000)
    })

    it('with parameters in an AlgorithmIdentifier, also where node:crypto takes them', async () => {
      const good = await issue({})
      // NULL behind the object identifier of Ed25519, in each of the three places.
      const oid = Uint8Array.of(0x30, 5, 6, 3, ...encodeOid('1.3.101.112'))
      const hex = toHex(good.der)
      const places = [...hex.matchAll(new RegExp(toHex(oid), 'g'))].map(({ index }) => index / 2)
      expect(places).to.have.length(3)
      // Rebuilding the lengths around it by hand: the certificate is read as a tree and written again.
      for (const place of places) {
        const damaged = withNull(good.der, place)
        expect(() => Certificate.fromDer(damaged), `at ${place}`)
          .to.throw(DecodeError)
          .with.property('code')
          .that.is.oneOf(['pqc.x509.parameters', 'decode.trailing'])
      }
    })

    it('of an unknown algorithm', async () => {
      const good = await issue({})
      const at = Buffer.from(good.der).indexOf(Buffer.from(encodeOid('1.3.101.112')))
      const other = Uint8Array.from(good.der)
      other[at + 2] = 0x71
      expect(() => Certificate.fromDer(other))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.algorithm.unknown')
    })

    it('with a critical extension that is not known, or one that comes twice (made by OpenSSL)', function () {
      needPeer(this, 'openssl')
      const request = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/CN=x',
      ]
      const extensions = ['-addext', '1.2.3.4.5=critical,DER:0500', '-addext', '1.2.3.4.6=DER:0500']
      const der = execFileSync('openssl', [...request, ...extensions, '-keyout', '/dev/null', '-outform', 'DER'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const certificate = Certificate.fromDer(der)
      expect(() => verifyChain(certificate, { now: new Date(), roots: [certificate], intermediates: [] }))
        .to.throw(AuthError, '1.2.3.4.5')
        .with.property('code', 'pqc.cert.critical')
      const twice = Buffer.from(der)
      const other = twice.indexOf(Buffer.from(encodeOid('1.2.3.4.6')))
      twice[other + 3] = 5
      expect(() => Certificate.fromDer(twice))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.x509.duplicate')
    })

    it('with a serial number, time or name that RFC 5280 does not know', async () => {
      await fails(
        issueCertificate(
          {
            subject: { CN: 'x' },
            spki: key.publicKey.toSpki(),
            notBefore: NOW,
            notAfter: LATER,
            extensions: {},
            serial: new Uint8Array(21).fill(1),
          },
          { name: { CN: 'x' }, signer: key },
        ),
        'pqc.x509.serial',
      )
      await fails(
        issueCertificate(
          { subject: { C: 'Austria' }, spki: key.publicKey.toSpki(), notBefore: NOW, notAfter: LATER, extensions: {} },
          { name: { CN: 'x' }, signer: key },
        ),
        'pqc.x509.name',
      )
      const serials = await issue({})
      const start = Buffer.from(serials.der).indexOf(Buffer.from([2, 16]))
      for (const wrong of [
        // A zero that does not belong there: a revocation list would name another number.
        [0, 0x40],
        [0x80, 1],
      ]) {
        const damaged = serials.der.slice()
        damaged.set(wrong, start + 2)
        expect(() => Certificate.fromDer(damaged))
          .to.throw(DecodeError)
          .with.property('code', 'pqc.x509.serial')
      }
      const good = await issue({})
      const text = Buffer.from(good.der).toString('latin1').replace('261125120000Z', '261325120000Z')
      expect(() => Certificate.fromDer(Buffer.from(text, 'latin1')))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.x509.time')
    })

    it('under mutation: decoded or refused with DecodeError, never verified', async () => {
      const good = await issue({
        subjectAltName: [{ type: 'dns', value: 'a.example' }],
        keyUsage: ['digitalSignature'],
      })
      for (const wrong of mutations(good.der)) {
        let certificate: Certificate
        try {
          certificate = Certificate.fromDer(wrong)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
          continue
        }
        if (!Buffer.from(wrong).equals(good.der)) expect(certificate.isSignedBy(key.publicKey)).to.equal(false)
      }
    })

    it('under mutation of a request', async () => {
      const good = await createCertificateRequest({ CN: 'x' }, key, { subjectAltName: [{ type: 'dns', value: 'a' }] })
      for (const wrong of mutations(good.der)) {
        try {
          const request = CertificateRequest.fromDer(wrong)
          if (!Buffer.from(wrong).equals(good.der)) expect(request.verify()).to.equal(false)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
        }
      }
    })
  })
})

/** The DER with NULL appended to the SEQUENCE at `place`: every element around it grows by two bytes. */
function withNull(der: Uint8Array, place: number): Uint8Array {
  const grow = (bytes: Uint8Array, base: number): Uint8Array => {
    const { header, length } = headerOf(bytes)
    const contents = bytes.subarray(header, header + length)
    if (base === place) return element(bytes[0]!, Uint8Array.of(...contents, 5, 0))
    const parts: Uint8Array[] = []
    for (let at = 0; at < contents.length;) {
      const child = headerOf(contents.subarray(at))
      const end = at + child.header + child.length
      const from = base + header + at
      const inside = place >= from && place < base + header + end
      const piece = contents.subarray(at, end)
      parts.push(inside ? grow(piece, from) : piece)
      at = end
    }
    return element(bytes[0]!, Buffer.concat(parts))
  }
  return grow(der, 0)
}

function headerOf(bytes: Uint8Array): { header: number; length: number } {
  const first = bytes[1]!
  if (first < 0x80) return { header: 2, length: first }
  let length = 0
  for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + bytes[2 + i]!
  return { header: 2 + (first & 0x7f), length }
}

function element(tag: number, contents: Uint8Array): Uint8Array {
  return new BerWriter().contents(tag, contents).finish()
}
