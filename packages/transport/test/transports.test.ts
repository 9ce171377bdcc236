import { connect, listen, memoryPair } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { needIpv6, needPeer } from '../../../test/support/requirements.ts'
import { nextOf } from './support/collect.ts'
import { PtyPair } from './support/pty-pair.ts'
import { describeTransport } from './support/transport-suite.ts'

const STREAM = { medium: 'stream', volume: 300_000, tellsPeer: true } as const

describeTransport('memory', STREAM, async (options) => {
  const [a, b] = memoryPair(options)
  return { a, b }
})

describeTransport('memory in small pieces', { ...STREAM, volume: 20_000 }, async (options) => {
  const [a, b] = memoryPair({ ...options, maxChunk: 3 })
  return { a, b }
})

describeTransport('memory by name', STREAM, async (options) => {
  const listener = await listen('memory://suite', options)
  const a = await connect('memory://suite', options)
  const b = (await nextOf(listener.connections)) as Connection
  return { a, b, close: () => listener.close() }
})

describeTransport('TCP over IPv4', STREAM, (options) => tcp('tcp://127.0.0.1:0', options))

describeTransport('WebSocket', STREAM, (options) => tcp('ws://127.0.0.1:0/grid', options))

describe('over IPv6', () => {
  before(function () {
    needIpv6(this)
  })
  describeTransport('TCP', STREAM, (options) => tcp('tcp://[::1]:0', options))
})

describe('over a pty pair', () => {
  let pty: PtyPair
  before(async function () {
    needPeer(this, 'socat')
    pty = await PtyPair.open()
  })
  after(() => pty?.close())
  describeTransport('serial', { medium: 'serial', volume: 20_000, tellsPeer: false }, async (options) => {
    const [a, b] = [await connect(pty.url('a'), options), await connect(pty.url('b'), options)]
    return { a, b, close: () => pty.renew() }
  })
})

async function tcp(url: string, options: object): ReturnType<Parameters<typeof describeTransport>[2]> {
  const listener = await listen(url, options)
  const a = await connect(listener.url, options)
  const b = (await nextOf(listener.connections)) as Connection
  return { a, b, close: () => listener.close() }
}
