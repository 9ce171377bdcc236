import { join } from 'node:path'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { openDatagram } from '@gridseal/transport'
import { expect } from 'chai'
import { PtyPair } from '../../transport/test/support/pty-pair.ts'
import { withFolder } from '../../../test/support/folders.ts'
import { needPeer } from '../../../test/support/requirements.ts'
import { Device, Peer, channelUp, startPair, until } from './support/pair.ts'
import type { Pair } from './support/pair.ts'

type PairOptions = NonNullable<Parameters<typeof startPair>[1]>

/** A master, the two bridges and a device that answers, joined as `options` say; what the master got. */
async function through(
  options: PairOptions,
  during: (pair: Pair) => Promise<void> = async () => undefined,
): Promise<string> {
  const device = await Device.listen((peer) => peer.socket.on('data', (chunk) => peer.socket.write(chunk)))
  const pair = await startPair([{ id: 'echo', device: device.url }], options)
  try {
    const master = await Peer.connect(pair.port('echo'))
    for (let n = 0; n < 50; n++) master.send(`${n},`)
    await until('the first half came back', () => master.text.endsWith('49,'))
    await during(pair)
    for (let n = 50; n < 100; n++) master.send(`${n},`)
    await until('all came back', () => master.text.endsWith('99,'), 20_000)
    return master.text
  } finally {
    await pair.stop()
    device.close()
  }
}

const EXPECTED = Array.from({ length: 100 }, (_, n) => `${n},`).join('')

describe('bridges joined by', () => {
  for (const [name, listen] of [
    ['a WebSocket', ['ws://127.0.0.1:0/grid']],
    ['UDP', ['udp://127.0.0.1:0']],
    ['UDP over two paths', ['udp://127.0.0.1:0', 'udp://127.0.0.2:0']],
  ] as const) {
    it(`${name} carry every byte, also after a restart of the head-end`, async () => {
      const channel = { idleTimeout: '2s', keepAlive: '200ms', rekeyInterval: '100ms', use: 'redundant' }
      const restarted = async (pair: Pair): Promise<void> => {
        await pair.restart('head-end')
        await channelUp(pair)
      }
      expect(await through({ listen, channel })).to.equal(EXPECTED)
      // Mirrored connections end with the head-end that had them; what matters is that the channel comes back.
      const pair = await startPair([{ id: 'x', device: 'tcp://127.0.0.1:9' }], { listen, channel })
      try {
        await restarted(pair)
        expect(pair.field.stats.sites[0]?.channels).to.be.at.least(2)
      } finally {
        await pair.stop()
      }
    })
  }

  it('a serial line carry every byte', async function () {
    needPeer(this, 'socat')
    const line = await PtyPair.open()
    const channel = { handshakeTimeout: '20s' }
    try {
      const text = await through({ listen: [line.url('b')], connect: [line.url('a')], channel })
      expect(text).to.equal(EXPECTED)
    } finally {
      await line.close()
    }
  })

  it('a listener of several kinds: whichever the field bridge dials', async () => {
    const listen = ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', 'ws://127.0.0.1:0']
    for (const kind of ['tcp', 'udp', 'ws']) {
      let dialled = ''
      const device = await Device.listen()
      const probe = await startPair([{ id: 'x', device: device.url }], { listen, channelUrl: async (real) => real })
      const { listening } = probe.headEnd.stats
      dialled = Object.values(listening).find((url) => url.startsWith(`${kind}:`)) ?? ''
      await probe.stop()
      device.close()
      expect(dialled).to.match(new RegExp(`^${kind}://127\\.0\\.0\\.1:[1-9]`))
      expect(await through({ listen: [dialled], connect: [dialled] })).to.equal(EXPECTED)
    }
  })
})

describe('a head-end that cannot listen at one of its addresses', () => {
  it('leaves none of the others open', () =>
    withFolder(async (folder) => {
      const probe = await openDatagram({ bind: 'udp://127.0.0.1:0' })
      const free = probe.url
      await probe.close()
      for (const name of ['head-end', 'field']) {
        const key = SigningKey.generate('ML-DSA-44')
        await writeKeyFile(join(folder, `${name}.key`), key)
        await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
      }
      const config = {
        role: 'head-end',
        identity: join(folder, 'head-end.key'),
        channel: { listen: [free, 'udp://192.0.2.1:4712'] },
        sites: [
          {
            site: 's',
            peer: join(folder, 'field.pub'),
            links: [{ id: 'x', protocol: 'raw', master: 'tcp://127.0.0.1:0' }],
          },
        ],
      }
      const bridge = await createBridge(parseConfig(JSON.stringify(config), 'test'), () => undefined)
      const started = await bridge.start().then(
        () => 'started',
        (error: { code?: string }) => error.code,
      )
      expect(started).to.equal('transport.listen.address')
      const again = await openDatagram({ bind: free })
      await again.close()
    }))
})
