import { expect } from 'chai'
import { memoryPair } from '@gridseal/transport'
import { acceptChannel, connectChannel } from '@gridseal/channel'
import type { ChannelSpan, ChannelTracer } from '@gridseal/channel'
import { ACCEPT, CONNECT, channelPair, collect, refusal, settled } from '../support/channel-pair.ts'
import { FIELD, HEAD, STRANGER } from '../support/identities.ts'

interface Recorded {
  readonly name: string
  readonly kind: number | undefined
  readonly attributes: Record<string, unknown>
  status: { code: number; message?: string } | undefined
  exceptions: string[]
  ended: number
}

/** The least that a tracer of OpenTelemetry does, and all that it is told. */
class Recorder implements ChannelTracer {
  readonly spans: Recorded[] = []

  startSpan(name: string, options: { kind?: number; attributes?: Record<string, unknown> } = {}): ChannelSpan {
    const attributes = { ...options.attributes }
    const row: Recorded = { name, kind: options.kind, attributes, status: undefined, exceptions: [], ended: 0 }
    this.spans.push(row)
    return {
      setAttribute: (key, value) => (row.attributes[key] = value),
      recordException: (error) => row.exceptions.push(error.message),
      setStatus: (status) => (row.status = status),
      end: () => void row.ended++,
    }
  }
}

describe('channel spans', () => {
  it('show handshakes, with role, suite and peer', async () => {
    const [near, far] = [new Recorder(), new Recorder()]
    await channelPair({ tracer: near }, { tracer: far })
    const common = { name: 'gridseal.channel.handshake', status: undefined, exceptions: [], ended: 1 }
    const attributes = (role: string, peer: string): object => ({
      'gridseal.channel.role': role,
      'gridseal.channel.suite': 'CH-KEM-v1, AES-256-GCM',
      'gridseal.channel.resumed': false,
      'gridseal.channel.peer': peer,
    })
    expect(near.spans).to.deep.equal([
      { ...common, kind: 2, attributes: attributes('initiator', HEAD.publicKey.fingerprintText) },
    ])
    expect(far.spans).to.deep.equal([
      { ...common, kind: 1, attributes: attributes('responder', FIELD.publicKey.fingerprintText) },
    ])
  })

  it('show handshakes that fail, with the exact reason', async () => {
    const [near, far] = [new Recorder(), new Recorder()]
    const [a, b] = memoryPair()
    await Promise.all([
      refusal(connectChannel(a, { ...CONNECT, identity: STRANGER, tracer: near })),
      refusal(acceptChannel(b, { ...ACCEPT, tracer: far })),
    ])
    expect(far.spans[0]).to.deep.include({ status: { code: 2, message: 'channel.peer.unknown' }, ended: 1 })
    expect(far.spans[0]!.exceptions[0]).to.include('no pinned key has the fingerprint')
    expect(near.spans[0]).to.deep.include({ status: { code: 2, message: 'channel.alert' }, ended: 1 })
  })

  it('show fresh key agreements at both ends, and who has asked', async () => {
    const [near, far] = [new Recorder(), new Recorder()]
    const { client, server } = await channelPair({ tracer: near }, { tracer: far })
    collect(client)
    collect(server)
    client.rekey()
    await settled()
    const rekey = ({ spans }: Recorder): object[] =>
      spans
        .slice(1)
        .map(({ name, attributes, ended }) => ({ name, asked: attributes['gridseal.channel.asked'], ended }))
    expect(rekey(near)).to.deep.equal([{ name: 'gridseal.channel.rekey', asked: 'us', ended: 1 }])
    expect(rekey(far)).to.deep.equal([{ name: 'gridseal.channel.rekey', asked: 'peer', ended: 1 }])
    client.rekey()
    server.rekey()
    await settled()
    expect([...rekey(near), ...rekey(far)].every((span) => (span as { ended: number }).ended === 1)).to.equal(true)
  })

  it('end with the channel when a key agreement is under way', async () => {
    const near = new Recorder()
    const { client, server, clientEnd } = await channelPair({ tracer: near })
    collect(client)
    collect(server)
    clientEnd.between = () => []
    client.rekey()
    clientEnd.end()
    await client.closed
    expect(near.spans[1]).to.deep.include({ status: { code: 2, message: 'channel.truncated' }, ended: 1 })
  })
})
