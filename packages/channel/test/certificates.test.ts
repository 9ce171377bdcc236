import { expect } from 'chai'
import { issueRevocationList } from '@gridseal/pqc'
import type { RevocationList } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import {
  CertificateTrust,
  CertifiedKey,
  TicketKeys,
  TicketStore,
  acceptChannel,
  connectChannel,
} from '@gridseal/channel'
import type { AcceptOptions, CertificateTrustOptions, ConnectOptions } from '@gridseal/channel'
import { readChain } from '#src/identity/certificate-chain.ts'
import { Reader } from '@gridseal/wire'
import { NOW, authority, certified } from './support/authority.ts'
import type { Authority, Overrides } from './support/authority.ts'
import { channelPair, collect, refusal, settled } from './support/channel-pair.ts'
import { codeOf } from './support/code-of.ts'
import { HANDSHAKE_ALERT, initiator, record, responder } from './support/handshake-pair.ts'
import { FIELD, HEAD, STRANGER, pinned } from './support/identities.ts'
import { tappedPair } from './support/tapped-connection.ts'

const now = (): Date => NOW

describe('channel identities: X.509 certificates', () => {
  let root: Authority
  let intermediate: Authority
  let field: CertifiedKey
  let head: CertifiedKey

  before(async () => {
    root = await authority('Grid Root')
    intermediate = await authority('Field CA', root)
    field = await certified('meter-7.example', intermediate, {}, [intermediate])
    head = await certified('head-end.example', root)
  })

  const trust = (options: Partial<CertificateTrustOptions> = {}): CertificateTrust =>
    new CertificateTrust({ roots: [root.certificate], now, ...options })
  const calling = (host = 'head-end.example'): Partial<ConnectOptions> => ({ identity: field, peer: trust({ host }) })
  const listening = (options: Partial<CertificateTrustOptions> = {}): Partial<AcceptOptions> => ({
    identity: head,
    peers: pinned(),
    certificates: trust(options),
  })

  /** What both ends of a handshake that fails are left with, and all that the listener has said. */
  async function refused(connect: Partial<ConnectOptions>, accept: Partial<AcceptOptions>): Promise<object> {
    const [near, far] = tappedPair()
    const ends = await Promise.all([
      refusal(connectChannel(near, { ...calling(), ...connect } as ConnectOptions)),
      refusal(acceptChannel(far, { ...listening(), ...accept } as AcceptOptions)),
    ])
    const alerts = [...near.written, ...far.written].filter((frame) => frame[0] === 0x7f).map((frame) => toHex(frame))
    return { client: ends[0], server: ends[1], alerts }
  }
  const byServer = (server: string): object => ({ client: 'channel.alert', server, alerts: [HANDSHAKE_ALERT] })
  const byClient = (client: string): object => ({ client, server: 'channel.alert', alerts: [HANDSHAKE_ALERT] })

  it('on both sides: each end knows the key and the certificate of the other', async () => {
    const { client, server } = await channelPair(calling(), listening())
    expect(server.certificate?.subject.text).to.equal('CN=meter-7.example')
    expect(server.peer.fingerprintText).to.equal(field.publicKey.fingerprintText)
    expect(client.certificate?.subject.text).to.equal('CN=head-end.example')
    expect(client.peer.fingerprintText).to.equal(head.publicKey.fingerprintText)
    const { texts } = collect(server)
    collect(client)
    client.send(1, new TextEncoder().encode('reading'))
    await client.close()
    expect(texts).to.deep.equal(['1:reading'])
  })

  it('on one side, with a pinned key on the other', async () => {
    const first = await channelPair(
      { identity: FIELD, peer: trust({ host: 'head-end.example' }) },
      { identity: head, peers: pinned(FIELD) },
    )
    expect([first.client.certificate?.subject.text, first.server.certificate]).to.deep.equal([
      'CN=head-end.example',
      undefined,
    ])
    const second = await channelPair({ identity: field, peer: HEAD.publicKey }, { ...listening(), identity: HEAD })
    expect([second.client.certificate, second.server.certificate?.subject.text]).to.deep.equal([
      undefined,
      'CN=meter-7.example',
    ])
  })

  it('are not shown to who has the key pinned', async () => {
    const { server, clientEnd } = await channelPair(
      { identity: field, peer: HEAD.publicKey },
      { identity: HEAD, peers: pinned(field.key), certificates: trust() },
    )
    expect(server.certificate).to.equal(undefined)
    expect(Math.max(...clientEnd.written.map((frame) => frame.length))).to.be.lessThan(3000)
  })

  it('may be ordered by authorize, which sees the leaf', async () => {
    const seen: string[] = []
    const authorize = (allowed: boolean): Partial<AcceptOptions> =>
      listening({ authorize: ({ subject }) => (seen.push(subject.text), allowed) })
    await channelPair(calling(), authorize(true))
    expect(await refused({}, authorize(false))).to.deep.equal(byServer('channel.certificate.refused'))
    expect(seen).to.deep.equal(['CN=meter-7.example', 'CN=meter-7.example'])
  })

  describe('are refused, with one alert that says nothing,', () => {
    const wrong: readonly (readonly [string, Overrides, string])[] = [
      ['when expired', { notAfter: new Date('2026-11-25T11:59:59Z') }, 'pqc.cert.expired'],
      ['before they are valid', { notBefore: new Date('2026-11-25T12:00:01Z') }, 'pqc.cert.not-yet-valid'],
      ['when not for signatures', { extensions: { keyUsage: ['nonRepudiation'] } }, 'pqc.cert.usage'],
    ]
    for (const [name, overrides, code] of wrong) {
      it(`${name}, at either end`, async () => {
        const identity = await certified('head-end.example', root, overrides)
        expect(await refused({ identity }, {})).to.deep.equal(byServer(code))
        expect(await refused({}, { identity })).to.deep.equal(byClient(code))
      })
    }

    it("when limited to the other's role", async () => {
      const server = await certified('head-end.example', root, { extensions: { extendedKeyUsage: ['serverAuth'] } })
      const client = await certified('head-end.example', root, { extensions: { extendedKeyUsage: ['clientAuth'] } })
      expect(await refused({ identity: server }, {})).to.deep.equal(byServer('pqc.cert.purpose'))
      expect(await refused({}, { identity: client })).to.deep.equal(byClient('pqc.cert.purpose'))
      await channelPair({ ...calling(), identity: client }, { ...listening(), identity: server })
    })

    it('when of another anchor, or without the CA between', async () => {
      const other = await authority('Other Root')
      expect(await refused({}, listening({ roots: [other.certificate] }))).to.deep.equal(byServer('pqc.cert.untrusted'))
      expect(
        await refused({ peer: trust({ roots: [other.certificate], host: 'head-end.example' }) }, {}),
      ).to.deep.equal(byClient('pqc.cert.untrusted'))
      const alone = CertifiedKey.of(field.key, [field.chain[0]!])
      expect(await refused({ identity: alone }, {})).to.deep.equal(byServer('pqc.cert.untrusted'))
    })

    it('when for another host', async () => {
      expect(await refused(calling('scada.example'), {})).to.deep.equal(byClient('pqc.cert.host'))
      expect(await refused({}, listening({ host: 'meter-8.example' }))).to.deep.equal(byServer('pqc.cert.host'))
    })

    it('when revoked, or when nobody knows whether they are', async () => {
      const revoking = async (revoked: boolean): Promise<RevocationList[]> => {
        const { serial } = field.chain[0]!
        const data = { thisUpdate: NOW, nextUpdate: new Date('2026-12-01T00:00:00Z'), number: 1n }
        const list = { ...data, revoked: revoked ? [{ serial, date: NOW }] : [] }
        const empty = await issueRevocationList({ ...data, revoked: [] }, root.issuer)
        return [await issueRevocationList(list, intermediate.issuer), empty]
      }
      const [clean, dirty] = [await revoking(false), await revoking(true)]
      expect(await refused({}, listening({ revocationLists: () => dirty }))).to.deep.equal(byServer('pqc.cert.revoked'))
      expect(await refused({}, listening({ requireRevocation: true }))).to.deep.equal(
        byServer('pqc.cert.revocation-unknown'),
      )
      await channelPair(calling(), listening({ revocationLists: () => clean, requireRevocation: true }))
    })

    it('when signed for with another key than the leaf has', async () => {
      const i = initiator({ identity: field.publicKey, certified: field, peer: HEAD.publicKey }, STRANGER)
      const r = responder({ peers: pinned(), certificates: trust() })
      record(i, r)
      expect(r.error?.code).to.equal('channel.handshake.signature')
    })

    it('when for another key than the hello has named', () => {
      const i = initiator({ identity: FIELD.publicKey, certified: field, peer: HEAD.publicKey }, field.key)
      const r = responder({ peers: pinned(), certificates: trust() })
      record(i, r)
      expect([r.error?.code, r.session]).to.deep.equal(['channel.peer.other', undefined])
    })

    it('when asked of who has none, or shown to who has not asked', async () => {
      expect(await refused({ peer: trust({ host: 'head-end.example' }) }, { identity: HEAD })).to.deep.equal(
        byServer('channel.peer.other'),
      )
      expect(await refused({ identity: STRANGER }, {})).to.deep.equal(byServer('channel.peer.unknown'))
    })
  })

  describe('in the handshake', () => {
    const pair = (): Parameters<typeof record> => [
      initiator({ identity: field.publicKey, certified: field, peer: trust({ host: 'head-end.example' }) }, field.key),
      responder({ identity: head.publicKey, certified: head, peers: pinned(), certificates: trust() }, head.key),
    ]

    it('notice every changed byte (each 61st) of either auth', () => {
      const { steps } = record(...pair())
      for (const { frame, before, name } of steps.slice(2, 4)) {
        expect(frame.length, name).to.be.greaterThan(6000)
        for (let at = 0; at < frame.length; at += 61) {
          const changed = frame.slice()
          changed[at]! ^= 0x04
          const fork = before.fork(false)
          fork.frame(changed)
          expect([fork.session, fork.signed], `${name}, byte ${at}`).to.deep.equal([undefined, 0])
        }
      }
    })

    it('notice every length (each 53rd) to which either auth is cut', () => {
      const { steps } = record(...pair())
      for (const { frame, before, name } of steps.slice(2, 4)) {
        for (let length = 6; length < frame.length; length += 53) {
          const cut = frame.slice(0, length)
          new DataView(cut.buffer).setUint32(1, length - 5)
          const fork = before.fork(false)
          fork.frame(cut)
          expect([fork.session, fork.signed], `${name}, ${length} bytes`).to.deep.equal([undefined, 0])
        }
      }
    })

    it('are of this handshake alone: neither those of another nor their own reflected are taken', () => {
      const [one, other] = [record(...pair()), record(...pair())]
      for (const index of [2, 3]) {
        const { before } = one.steps[index]!
        for (const frame of [other.steps[index]!.frame, one.steps[5 - index]!.frame]) {
          const fork = before.fork(false)
          fork.frame(frame)
          expect([fork.error?.code, fork.session, fork.signed]).to.deep.equal(['channel.record.auth', undefined, 0])
        }
      }
    })

    it('are bound: neither end can be talked out of them', () => {
      for (const from of ['initiator', 'responder'] as const) {
        const [i, r] = pair()
        const hello = i!.sent[0]!
        if (from === 'initiator') {
          // The last extension is 06 0001 03.
          expect(toHex(hello.subarray(-4))).to.equal('06000103')
          for (const flags of [0, 1, 2, 4, 7, 255]) {
            const changed = hello.slice()
            changed[changed.length - 1] = flags
            const fork = r!.fork()
            const answers = fork.frame(changed)
            const other = i!.fork()
            answers.forEach((frame) => other.frame(frame))
            expect([fork.session, other.session, other.signed], `${flags}`).to.deep.equal([undefined, undefined, 0])
          }
          continue
        }
        const [serverHello] = r!.frame(hello)
        for (const flags of [0, 1, 2, 4]) {
          const changed = serverHello!.slice()
          changed[changed.length - 1] = flags
          const fork = i!.fork()
          fork.frame(changed)
          const code = flags === 0 || flags === 4 ? 'channel.hello.extensions' : undefined
          // With flags 1 the initiator goes on, and finds the transcript to be another one.
          expect(fork.error?.code, `${flags}`).to.equal(flags === 2 ? 'channel.certificate' : code)
        }
      }
    })

    it('are refused by who was not asked to show any', () => {
      const i = initiator({}, FIELD)
      const r = responder({ peers: pinned(), certificates: trust() })
      const [i2] = pair()
      const [answer] = r.frame(i2!.sent[0]!.slice())
      expect(answer === undefined || answer[0] === 0x7f).to.equal(true)
      const asking = responder({ peers: pinned(), certificates: trust() })
      const shows = initiator({ identity: field.publicKey, certified: field, peer: HEAD.publicKey }, field.key)
      const [serverHello] = asking.frame(shows.sent[0]!)
      i.frame(serverHello!)
      expect(i.error?.code).to.equal('channel.certificate')
    })

    it('do not make the listener allocate more before it has asked for them', async () => {
      const [near, far] = tappedPair()
      const accepting = refusal(acceptChannel(far, { identity: head, peers: pinned(), certificates: trust() }))
      near.forge(Uint8Array.of(0x01, 0, 0, 0x20, 0x01))
      near.end()
      expect(await accepting).to.equal('channel.frame.length')
    })
  })

  it('are judged at each connection: such sessions are not resumed', async () => {
    const [ticketStore, ticketKeys] = [new TicketStore(), TicketKeys.generate()]
    const connect = { ...calling(), ticketStore }
    const { client, server } = await channelPair(connect, { ...listening(), ticketKeys })
    collect(client)
    collect(server)
    await settled()
    expect(ticketStore.size).to.equal(0)
    await client.close()
    // A ticket of a session with a pinned key does not spare its owner the certificates either.
    const both = { identity: field, ticketStore, peer: HEAD.publicKey }
    const first = await channelPair(both, {
      identity: HEAD,
      peers: pinned(field.key),
      ticketKeys,
      certificates: trust(),
    })
    collect(first.client)
    await settled()
    expect(ticketStore.size).to.equal(1)
    const second = await channelPair(both, { identity: HEAD, peers: pinned(), ticketKeys, certificates: trust() })
    expect([second.server.resumed, second.server.certificate?.subject.text]).to.deep.equal([
      false,
      'CN=meter-7.example',
    ])
  })

  it('are bounded: at most four, in 32 KiB, none of them empty, whole', () => {
    const [leaf] = field.chain
    expect(
      codeOf(() =>
        CertifiedKey.of(
          field.key,
          Array.from({ length: 5 }, () => leaf!),
        ),
      ),
    ).to.equal('channel.certificate.chain')
    expect(codeOf(() => CertifiedKey.of(field.key, []))).to.equal('channel.certificate.key')
    expect(codeOf(() => CertifiedKey.of(FIELD, field.chain))).to.equal('channel.certificate.key')
    const { encoded } = field
    expect(readChain(new Reader(encoded))).to.have.length(2)
    for (const count of [0, 5, 255]) {
      const changed = encoded.slice()
      changed[0] = count
      expect(codeOf(() => readChain(new Reader(changed)))).to.equal('channel.certificate.chain')
    }
    for (const length of [0, 1, 2, 100, encoded.length - 1]) {
      expect(
        codeOf(() => readChain(new Reader(encoded.subarray(0, length)))),
        `${length}`,
      ).to.equal('decode.truncated')
    }
    const large = new Uint8Array(1 + 2 + 32_766)
    large.set([1, 0x7f, 0xfe])
    expect(codeOf(() => readChain(new Reader(large)))).to.equal('channel.certificate.chain')
  })

  it('need anchors, and a host to connect to', async () => {
    expect(codeOf(() => new CertificateTrust({ roots: [] }))).to.equal('channel.option')
    expect(codeOf(() => new CertificateTrust({ roots: [root.certificate], host: '' }))).to.equal('channel.option')
    const unknown = { roots: [root.certificate], hosts: 'x' } as CertificateTrustOptions
    expect(codeOf(() => new CertificateTrust(unknown))).to.equal('channel.option')
    const [near] = tappedPair()
    expect(await refusal(connectChannel(near, { identity: FIELD, peer: trust() }))).to.equal('channel.option')
  })
})
