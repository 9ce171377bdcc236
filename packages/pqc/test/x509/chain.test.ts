import { expect } from 'chai'
import {
  Certificate,
  Policy,
  RevocationList,
  SigningKey,
  addressBytes,
  issueRevocationList,
  shardOf,
  verifyChain,
  verifyHybridChains,
} from '@gridseal/pqc'
import type { CertificateExtensions, ChainOptions, HybridOptions, HybridPair } from '@gridseal/pqc'
import { AuthError, DecodeError, UsageError, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { LATER, NOW, authority, device, kemCertificate } from './authority.ts'
import type { Authority } from './authority.ts'

describe('chains of certificates', function () {
  this.timeout(60_000)
  let root: Authority
  let middle: Authority
  let leaf: { certificate: Certificate; key: SigningKey }
  let options: ChainOptions
  before(async () => {
    root = await authority('root', 'SLH-DSA-SHA2-128f', undefined)
    middle = await authority('head-end CA', 'ML-DSA-65', root)
    leaf = await device(middle, 'ML-DSA-44')
    options = { now: NOW, roots: [root.certificate], intermediates: [middle.certificate] }
  })
  const refused = (
    certificate: Certificate,
    changed: Partial<ChainOptions>,
    code: string,
    base: ChainOptions = options,
  ): void => {
    expect(() => verifyChain(certificate, { ...base, ...changed }))
      .to.throw(AuthError)
      .with.property('code', code)
  }

  it('from leaf to root, whatever else the peer sends', async () => {
    const stranger = await authority('stranger', 'Ed25519')
    const intermediates = [stranger.certificate, leaf.certificate, root.certificate, middle.certificate]
    const { path } = verifyChain(leaf.certificate, { ...options, intermediates, purpose: 'clientAuth' })
    expect(path).to.deep.equal([leaf.certificate, middle.certificate, root.certificate])
    expect(verifyChain(root.certificate, { ...options, usage: 'keyCertSign' }).path).to.have.length(1)
  })

  it('needs a root that is trusted, and every link', async () => {
    const impostor = await authority('root', 'Ed25519')
    refused(leaf.certificate, { roots: [impostor.certificate] }, 'pqc.cert.untrusted')
    refused(leaf.certificate, { intermediates: [] }, 'pqc.cert.untrusted')
    // The same name and another key.
    const other = await authority('head-end CA', 'ML-DSA-65', root)
    refused(leaf.certificate, { intermediates: [other.certificate] }, 'pqc.cert.untrusted')
  })

  it('ends at its time', async () => {
    refused(leaf.certificate, { now: new Date(LATER.getTime() + 1000) }, 'pqc.cert.expired')
    refused(leaf.certificate, { now: new Date('2025-01-01') }, 'pqc.cert.not-yet-valid')
    const old = await authority('old CA', 'Ed25519', root, { notAfter: new Date('2026-02-01') })
    const below = await device(old, 'Ed25519')
    refused(below.certificate, { intermediates: [old.certificate] }, 'pqc.cert.expired')
  })

  it('asks for CA flags, path lengths and usages', async () => {
    const below = await authority('CA below', 'Ed25519', middle)
    const deep = await device(below, 'Ed25519')
    refused(deep.certificate, { intermediates: [below.certificate, middle.certificate] }, 'pqc.cert.path-length')
    const asIssuer = {
      certificate: leaf.certificate,
      key: leaf.key,
      issuer: { name: leaf.certificate.subject, signer: leaf.key },
    }
    const forged = await device(asIssuer, 'Ed25519')
    refused(forged.certificate, { intermediates: [leaf.certificate, middle.certificate] }, 'pqc.cert.not-a-ca')
    refused(leaf.certificate, { usage: 'keyAgreement' }, 'pqc.cert.usage')
    refused(leaf.certificate, { purpose: 'codeSigning' }, 'pqc.cert.purpose')
    const { certificate } = await kemCertificate(middle)
    expect(verifyChain(certificate, options).path).to.have.length(3)
    refused(certificate, { usage: 'digitalSignature' }, 'pqc.cert.usage')
  })

  it('is for a host', () => {
    for (const host of ['meter-7.netz.example', 'METER-7.netz.example', '127.0.0.1', 'urn:dev:mac:0024befffe804ff1']) {
      expect(verifyChain(leaf.certificate, { ...options, host }).path).to.have.length(3)
    }
    for (const host of ['netz.example', 'x.meter-7.netz.example', '127.0.0.2', '::1', 'urn:dev:mac:0']) {
      refused(leaf.certificate, { host }, 'pqc.cert.host')
    }
    expect(toHex(addressBytes('fe80::1:2')!)).to.equal('fe800000000000000000000000010002')
    expect(toHex(addressBytes('::ffff:10.0.0.1')!)).to.equal('00000000000000000000ffff0a000001')
  })

  it('is not checked with an option that was misspelt: what it asks for would be passed over', () => {
    const wrong = { ...options, requireRevocations: true } as ChainOptions
    expect(() => verifyChain(leaf.certificate, wrong))
      .to.throw(UsageError)
      .with.property('code', 'pqc.option.unknown')
    const pair = { classical: leaf.certificate, postQuantum: leaf.certificate }
    const both = { classical: options, postQuantum: options, bindings: 'mutual' } as HybridOptions
    expect(() => verifyHybridChains(pair, both))
      .to.throw(UsageError)
      .with.property('code', 'pqc.option.unknown')
  })

  it('may be pinned at any certificate of its path', async () => {
    expect(verifyChain(leaf.certificate, { ...options, pins: [middle.certificate.fingerprint] }).path).to.have.length(3)
    refused(leaf.certificate, { pins: [new Uint8Array(32)] }, 'pqc.cert.pin')
  })

  it('is subject to policy, before any signature is checked', () => {
    refused(leaf.certificate, { policy: new Policy({ minimumCategory: 5 }) }, 'pqc.policy.refused')
    refused(leaf.certificate, { policy: new Policy({ forbidden: ['ML-DSA-65'] }) }, 'pqc.policy.refused')
    const allowed = new Policy({ allowed: ['ML-DSA-44', 'ML-DSA-65', 'SLH-DSA-SHA2-128f'] })
    expect(verifyChain(leaf.certificate, { ...options, policy: allowed }).path).to.have.length(3)
  })

  it('does not run in circles, nor through a heap of namesakes', async () => {
    // Two CAs that certify each other, and forty that share a name.
    const [a, b] = [await authority('A', 'Ed25519'), await authority('B', 'Ed25519')]
    const aByB = await crossed(a, b)
    const bByA = await crossed(b, a)
    const lost = await device(a, 'Ed25519')
    refused(lost.certificate, { intermediates: [aByB, bByA, a.certificate, b.certificate] }, 'pqc.cert.untrusted')
    const namesakes = await Promise.all(Array.from({ length: 40 }, () => authority('A', 'Ed25519')))
    const start = performance.now()
    const heap = namesakes.map(({ certificate }) => certificate)
    refused(lost.certificate, { intermediates: heap }, 'pqc.cert.untrusted')
    expect(performance.now() - start).to.be.lessThan(2000)
  })

  it('ends after eight certificates', async () => {
    let parent = await authority('long 0', 'Ed25519')
    const top = parent
    const intermediates: Certificate[] = []
    for (let i = 1; i <= 8; i++) {
      parent = await authority(`long ${i}`, 'Ed25519', parent, {
        extensions: { basicConstraints: { ca: true, pathLength: undefined } },
      })
      intermediates.push(parent.certificate)
    }
    const { certificate } = await device(parent, 'Ed25519')
    refused(certificate, {}, 'pqc.cert.path-length', { now: NOW, roots: [top.certificate], intermediates })
  })

  describe('revocation in shards', () => {
    const uri = (shard: number): string => `http://crl.netz.example/${shard}.crl`
    const DAY = 86_400_000

    it('finds what was revoked, in the list of its shard only', async () => {
      const meters = await Promise.all(
        [1, 2, 3].map((i) => device(middle, 'Ed25519', { extensions: { crlDistributionPoints: [uri(i % 2)] } })),
      )
      const list = (shard: number, revoked: readonly Certificate[], by: Authority = middle): Promise<RevocationList> =>
        issueRevocationList(
          {
            thisUpdate: new Date(NOW.getTime() - DAY),
            nextUpdate: new Date(NOW.getTime() + DAY),
            number: 1n,
            revoked: revoked.map(({ serial }) => ({ serial, date: new Date(NOW.getTime() - DAY) })),
            shard: uri(shard),
          },
          by.issuer,
        )
      const [first, second] = meters.map(({ certificate }) => certificate) as [Certificate, Certificate]
      const one = RevocationList.fromPem((await list(1, [first])).toPem())
      expect([one.size, one.shard, one.number]).to.deep.equal([1, uri(1), 1n])
      expect(one.isSignedBy(middle.key.publicKey)).to.equal(true)
      refused(first, { revocationLists: [one] }, 'pqc.cert.revoked')
      expect(verifyChain(second, { ...options, revocationLists: [one] }).path).to.have.length(3)
      // Another shard's list says nothing about it.
      refused(second, { revocationLists: [one], requireRevocation: true }, 'pqc.cert.revocation-unknown')
      const all = [one, await list(0, []), await rootList()]
      expect(verifyChain(second, { ...options, revocationLists: all, requireRevocation: true }).path).to.have.length(3)
      const late = { ...options, now: new Date(NOW.getTime() + 2 * DAY), revocationLists: all }
      refused(second, { requireRevocation: true }, 'pqc.cert.revocation-unknown', late)
      // Signed by somebody else with the issuer's name.
      const impostor = { ...middle, issuer: { ...middle.issuer, signer: leaf.key } }
      refused(second, { revocationLists: [await list(0, [], impostor)] }, 'pqc.cert.revocation-list')
      for (const wrong of mutations(one.der.subarray(0, 400))) {
        try {
          const mutant = RevocationList.fromDer(Uint8Array.of(...wrong, ...one.der.subarray(400)))
          if (!Buffer.from(mutant.der).equals(one.der)) expect(mutant.isSignedBy(middle.key.publicKey)).to.equal(false)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
        }
      }
    })

    it('puts serial numbers into shards evenly', () => {
      const counts = new Array<number>(8).fill(0)
      for (let i = 0; i < 8000; i++)
        counts[shardOf((BigInt(i) * 0x9e3779b97f4a7c15n).toString(16).padStart(8, '0'), 8)]!++
      expect(Math.min(...counts)).to.be.greaterThan(800)
    })

    it('says that a CA is revoked rather than that nothing is known of the certificate below it', async () => {
      const revoked = await rootList([{ serial: middle.certificate.serial, date: NOW }])
      refused(leaf.certificate, { revocationLists: [revoked], requireRevocation: true }, 'pqc.cert.revoked')
      refused(
        leaf.certificate,
        { revocationLists: [await rootList()], requireRevocation: true },
        'pqc.cert.revocation-unknown',
      )
    })

    async function rootList(
      revoked: Parameters<typeof issueRevocationList>[0]['revoked'] = [],
    ): Promise<RevocationList> {
      const data = { thisUpdate: NOW, nextUpdate: LATER, number: 1n, revoked }
      return issueRevocationList(data, root.issuer)
    }
  })

  describe('two chains of one device', () => {
    let classicalRoot: Authority
    let key: SigningKey
    let pair: HybridPair
    let both: HybridOptions
    /** The classical certificate names the other's key (X.509 9.8.2), the other names it by its hash (RFC 9763). */
    const classicalWith = (extensions: CertificateExtensions): Promise<{ certificate: Certificate }> =>
      device(classicalRoot, 'ECDSA-P256', { extensions })
    const postQuantumWith = (
      extensions: CertificateExtensions,
      of: SigningKey = key,
    ): Promise<{ certificate: Certificate }> => device(middle, 'ML-DSA-65', { extensions }, of)
    before(async () => {
      classicalRoot = await authority('classical root', 'ECDSA-P256')
      key = SigningKey.generate('ML-DSA-65')
      const classical = (await classicalWith({ subjectAltPublicKeyInfo: key.publicKey.toSpki() })).certificate
      const postQuantum = (await postQuantumWith({ relatedCertificate: classical.fingerprint })).certificate
      pair = { classical, postQuantum }
      both = { classical: { now: NOW, roots: [classicalRoot.certificate] }, postQuantum: options }
    })
    const unrelated = (changed: Partial<HybridPair>, why: string, binding?: 'related'): void => {
      expect(() => verifyHybridChains({ ...pair, ...changed }, binding === undefined ? both : { ...both, binding }))
        .to.throw(AuthError, why)
        .with.property('code', 'pqc.cert.hybrid')
    }

    it('are believed together when each names the other', () => {
      const verified = verifyHybridChains(pair, both)
      expect([verified.classical.path.length, verified.postQuantum.path.length]).to.deep.equal([2, 3])
      expect(Certificate.fromDer(pair.classical.der).extensions.subjectAltPublicKeyInfo).to.deep.equal(
        pair.postQuantum.spki,
      )
    })

    it('are refused when either is exchanged, whoever issued the other', async () => {
      // A classical CA that was broken issues another certificate for the same post-quantum key.
      const forged = (await classicalWith({ subjectAltPublicKeyInfo: key.publicKey.toSpki() })).certificate
      unrelated({ classical: forged }, 'does not name the classical one')
      // A post-quantum certificate of another key names the classical one.
      const other = SigningKey.generate('ML-DSA-65')
      const named = (await postQuantumWith({ relatedCertificate: pair.classical.fingerprint }, other)).certificate
      unrelated({ postQuantum: named }, 'does not name the post-quantum key')
      unrelated({ postQuantum: named }, 'does not name the post-quantum key', 'related')
      // The same key under other names.
      const elsewhere = {
        relatedCertificate: pair.classical.fingerprint,
        subjectAltName: [{ type: 'dns', value: 'other' }],
      } as const
      unrelated({ postQuantum: (await postQuantumWith(elsewhere)).certificate }, 'names differ')
      unrelated({ postQuantum: leaf.certificate }, 'does not name the classical one')
      unrelated({ classical: pair.postQuantum, postQuantum: pair.classical }, 'one of the two must be classical')
    })

    it('bound one way only (RFC 9763 alone) are taken where that is asked for', async () => {
      const classical = (await classicalWith({})).certificate
      const postQuantum = (await postQuantumWith({ relatedCertificate: classical.fingerprint })).certificate
      unrelated({ classical, postQuantum }, 'does not name the post-quantum key')
      const verified = verifyHybridChains({ classical, postQuantum }, { ...both, binding: 'related' })
      expect(verified.postQuantum.path).to.have.length(3)
    })

    it('are as good as both chains', () => {
      const tooOld = { ...both, classical: { ...both.classical, now: new Date('2040-01-01') } }
      expect(() => verifyHybridChains(pair, tooOld))
        .to.throw(AuthError)
        .with.property('code', 'pqc.cert.expired')
    })
  })
})

/** A certificate of `subject`'s key and name, issued by `by`. */
async function crossed(subject: Authority, by: Authority): Promise<Certificate> {
  const { issueCertificate } = await import('@gridseal/pqc')
  return issueCertificate(
    {
      subject: subject.certificate.subject.attributes,
      spki: subject.key.publicKey.toSpki(),
      notBefore: NOW,
      notAfter: LATER,
      extensions: { basicConstraints: { ca: true, pathLength: undefined }, keyUsage: ['keyCertSign'] },
    },
    by.issuer,
  )
}
