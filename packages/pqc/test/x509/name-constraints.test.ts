import { expect } from 'chai'
import { Certificate, verifyChain } from '@gridseal/pqc'
import type { AltName, Name, NameConstraints, Subtree } from '@gridseal/pqc'
import { AuthError, BerReader, DecodeError, UsageError, fromHex } from '@gridseal/wire'
import { constraintViolation, readNameConstraints } from '#src/x509/name-constraints.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { needPeer } from '../../../../test/support/requirements.ts'
import { OpenSsl } from '../openssl/peer.ts'
import { NOW, authority, device } from './authority.ts'

interface Case {
  readonly title: string
  readonly constraints: NameConstraints
  readonly names: readonly AltName[]
  readonly fits: boolean
}

const dns = (value: string) => ({ type: 'dns', value }) as const
const email = (value: string) => ({ type: 'email', value }) as const
const uri = (value: string) => ({ type: 'uri', value }) as const
const ip = (hex: string) => ({ type: 'ip', value: fromHex(hex) }) as const
const directory = (value: Name): Subtree => ({ type: 'directory', value })

/** Subjects are O=Netz, CN=meter 7, serialNumber=00-7. */
const CASES: readonly Case[] = [
  {
    title: 'a host within the domain',
    constraints: { permitted: [dns('netz.example')] },
    names: [dns('m.NETZ.example')],
    fits: true,
  },
  {
    title: 'the domain itself',
    constraints: { permitted: [dns('netz.example')] },
    names: [dns('netz.example')],
    fits: true,
  },
  {
    title: 'another domain with the same end',
    constraints: { permitted: [dns('netz.example')] },
    names: [dns('x-netz.example')],
    fits: false,
  },
  {
    title: 'one good and one other host',
    constraints: { permitted: [dns('netz.example')] },
    names: [dns('m.netz.example'), dns('m.other')],
    fits: false,
  },
  {
    title: 'one of two domains',
    constraints: { permitted: [dns('a.example'), dns('b.example')] },
    names: [dns('m.b.example')],
    fits: true,
  },
  {
    title: 'an excluded part',
    constraints: { permitted: [dns('netz.example')], excluded: [dns('lab.netz.example')] },
    names: [dns('m.lab.netz.example')],
    fits: false,
  },
  {
    title: 'names of a form that is not limited',
    constraints: { permitted: [dns('netz.example')] },
    names: [ip('c0000207')],
    fits: true,
  },
  {
    title: 'an address within the net',
    constraints: { permitted: [ip('c0000200ffffff00')] },
    names: [ip('c0000207')],
    fits: true,
  },
  {
    title: 'an address outside',
    constraints: { permitted: [ip('c0000200ffffff00')] },
    names: [ip('c0000307')],
    fits: false,
  },
  {
    title: 'IPv6 where IPv4 is permitted',
    constraints: { permitted: [ip('c0000200ffffff00')] },
    names: [ip(`20010db8${'0'.repeat(24)}`)],
    fits: false,
  },
  {
    title: 'an IPv6 net',
    constraints: { permitted: [ip(`20010db8${'0'.repeat(24)}ffffffff${'0'.repeat(24)}`)] },
    names: [ip(`20010db8${'1'.repeat(24)}`)],
    fits: true,
  },
  {
    title: 'a mailbox',
    constraints: { permitted: [email('ops@netz.example')] },
    names: [email('ops@NETZ.example')],
    fits: true,
  },
  {
    title: 'another mailbox',
    constraints: { permitted: [email('ops@netz.example')] },
    names: [email('Ops@netz.example')],
    fits: false,
  },
  {
    title: 'a host of mail',
    constraints: { permitted: [email('netz.example')] },
    names: [email('a@netz.example')],
    fits: true,
  },
  {
    title: 'hosts below one, of mail',
    constraints: { permitted: [email('.netz.example')] },
    names: [email('a@netz.example')],
    fits: false,
  },
  {
    title: 'a URI by its host',
    constraints: { permitted: [uri('.netz.example')] },
    names: [uri('https://m.netz.example:8443/x')],
    fits: true,
  },
  {
    title: 'a URI at another host',
    constraints: { permitted: [uri('netz.example')] },
    names: [uri('https://netz.example.other/')],
    fits: false,
  },
  {
    title: 'the organisation of the subject',
    constraints: { permitted: [directory({ O: 'netz' })] },
    names: [],
    fits: true,
  },
  { title: 'another organisation', constraints: { permitted: [directory({ O: 'Gas' })] }, names: [], fits: false },
  { title: 'an excluded organisation', constraints: { excluded: [directory({ O: 'NETZ' })] }, names: [], fits: false },
  {
    title: 'more of a subject than it has',
    constraints: { permitted: [directory({ O: 'Netz', CN: 'meter 7', serialNumber: '00-7', L: 'x' })] },
    names: [],
    fits: false,
  },
]

describe('name constraints (RFC 5280 4.2.1.10)', () => {
  for (const { title, constraints, names, fits } of CASES) {
    it(`${title}: ${fits ? 'fits' : 'is refused'}, and OpenSSL says the same`, async function () {
      const root = await authority('root', 'ECDSA-P256', undefined, { extensions: { nameConstraints: constraints } })
      const leaf = await device(root, 'ECDSA-P256', { extensions: { subjectAltName: names } })
      const verify = (): unknown => verifyChain(leaf.certificate, { now: NOW, roots: [root.certificate] })
      if (fits) verify()
      else expect(verify).to.throw(AuthError).with.property('code', 'pqc.cert.name-constraints')
      needPeer(this, 'openssl')
      const openssl = new OpenSsl('openssl', '')
      try {
        openssl.write('root.pem', root.certificate.toPem())
        openssl.write('leaf.pem', leaf.certificate.toPem())
        const time = String(NOW.getTime() / 1000)
        const { ok, text } = openssl.try(['verify', '-CAfile', 'root.pem', '-attime', time, 'leaf.pem'])
        expect(ok, text).to.equal(fits)
      } finally {
        openssl.close()
      }
    })
  }

  it('bind everything below the CA, not only what it issues itself', async () => {
    const root = await authority('root', 'Ed25519', undefined, {
      extensions: { nameConstraints: { excluded: [dns('lab.example')] } },
    })
    const middle = await authority('middle', 'Ed25519', root)
    const issued = async (host: string): Promise<Certificate> =>
      (await device(middle, 'Ed25519', { extensions: { subjectAltName: [dns(host)] } })).certificate
    const options = { now: NOW, roots: [root.certificate], intermediates: [middle.certificate] }
    expect(verifyChain(await issued('m.netz.example'), options).path).to.have.length(3)
    const bad = await issued('m.lab.example')
    expect(() => verifyChain(bad, options)).to.throw(AuthError, 'is excluded from certifying "m.lab.example"')
    // A wildcard reaches into what is excluded.
    const wildcard = await issued('*.example')
    expect(() => verifyChain(wildcard, options)).to.throw(AuthError, 'excluded')
  })

  it('are critical, are read as they were written, and have a mask with every address', async () => {
    const constraints = { permitted: [dns('netz.example'), ip('c0000200ffffff00')], excluded: [email('x@y')] }
    const { certificate } = await authority('root', 'Ed25519', undefined, {
      extensions: { nameConstraints: constraints },
    })
    expect(Certificate.fromDer(certificate.der).extensions.nameConstraints).to.deep.equal(constraints)
    const without = authority('root', 'Ed25519', undefined, {
      extensions: { nameConstraints: { permitted: [ip('c0000207')] } },
    })
    const error: unknown = await without.catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.x509.alt-name')
  })

  it('of a form that is not supported refuse everything below', async () => {
    // permittedSubtrees { registeredID 1.2.3 }
    const other = readNameConstraints(BerReader.of(fromHex('3008a006300488022a03'), { der: true }))
    const { certificate } = await authority('root', 'Ed25519')
    expect(constraintViolation(other, certificate.subject, [])).to.include('not supported')
  })

  it('that are damaged are refused', () => {
    const good = fromHex('3010a00e300c820a6e65747a2e6578616d70')
    for (const wrong of mutations(good)) {
      try {
        readNameConstraints(BerReader.of(wrong, { der: true }))
      } catch (error) {
        expect(error).to.be.instanceOf(DecodeError)
      }
    }
  })
})
