import { join } from 'node:path'
import { parseConfig } from '@gridseal/bridge'
import { verifyJournal } from '@gridseal/envelope'
import { SigningKey, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { expect } from 'chai'
import type { Pair } from './support/pair.ts'
import { Device, Peer, startPair, until } from './support/pair.ts'
import { FaultProxy } from '../../../test/support/fault-proxy.ts'
import { withFolder } from '../../../test/support/folders.ts'

const echo = (): Promise<Device> =>
  Device.listen((peer) =>
    peer.socket.on('data', (bytes) => peer.socket.write(Buffer.concat([Buffer.from('>'), bytes]))),
  )

describe('what a head-end takes of a field bridge', () => {
  let device: Device
  let pair: Pair
  beforeEach(async () => {
    device = await echo()
  })
  afterEach(async () => {
    await pair.stop()
    device.close()
  })

  it('live traffic that is too old is kept as evidence and not delivered; the stream goes on', async () => {
    let proxy: FaultProxy | undefined
    pair = await startPair([{ id: 'meter', device: device.url }], {
      site: { accept: { clockSkew: '10s', maxAge: '1500ms' } },
      channelUrl: (real) => {
        proxy = new FaultProxy({ target: Number(new URL(real).port), seed: 3 })
        return proxy.listen()
      },
    })
    try {
      const first = await Peer.connect(pair.port('meter'))
      first.send('a')
      await until('it answers', () => first.text === '>a')
      proxy?.set({ delay: 3000 })
      first.send('b')
      await until('the answer is withheld', () => pair.events.some(({ code }) => code === 'envelope.stale'))
      await until('its connection is broken off', () => first.ended)
      expect(first.text).to.equal('>a')
      expect(pair.headEnd.stats.sites[0]?.links['meter']?.stale).to.be.greaterThan(0)
      proxy?.set({})
      const second = await Peer.connect(pair.port('meter'))
      second.send('c')
      await until('a new connection works', () => second.text === '>c')
      expect(pair.headEnd.stats.sites[0]?.channels, 'the channel stayed').to.equal(1)
      second.socket.destroy()
      await pair.field.stop()
      await pair.headEnd.stop()
      const keys = await Promise.all(
        ['field', 'head-end'].map((name) => readPublicKeyFile(join(pair.folder, `${name}.pub`))),
      )
      const answers: string[] = []
      await verifyJournal(join(pair.folder, 'journal-head-end'), {
        keys,
        onBatch: ({ batch }) => {
          for (const entry of batch.entries) {
            if (entry.kind === 'frame' && entry.direction === 'to-master')
              answers.push(Buffer.from(entry.bytes).toString())
          }
        },
      })
      expect(answers).to.deep.equal(['>a', '>b', '>c'])
    } finally {
      await proxy?.close()
    }
  })

  it('successors of signing keys only if they are listed, where policy says so', () =>
    withFolder(async (folder) => {
      const key = SigningKey.generate('ML-DSA-44')
      await writeKeyFile(join(folder, 'next.key'), key)
      await writePublicKeyFile(join(folder, 'next.pub'), key.publicKey)
      pair = await startPair([{ id: 'meter', device: device.url }], { site: { accept: { successors: 'listed' } } })
      const first = await Peer.connect(pair.port('meter'))
      first.send('a')
      await until('it answers', () => first.text === '>a')
      const configOf = (role: 'field' | 'head-end', more: object): ReturnType<typeof parseConfig> =>
        parseConfig(JSON.stringify({ ...skeleton[role], ...more }), role)
      const skeleton = {
        field: {
          role: 'field',
          site: 'test',
          identity: 'k',
          channel: { connect: 'tcp://127.0.0.1:1', peer: 'p' },
          links: [{ id: 'meter', protocol: 'raw', device: device.url }],
        },
        'head-end': { role: 'head-end', identity: 'k', channel: { listen: 'tcp://127.0.0.1:1' } },
      }
      await pair.field.reload(configOf('field', { signing: { keys: [{ file: join(folder, 'next.key') }] } }))
      first.send('b')
      await until('it is refused', () => pair.events.some(({ code }) => code === 'envelope.successor'))
      await until('nothing of the new key is taken', () =>
        pair.events.some(({ code }) => code === 'envelope.key.unknown'),
      )
      expect(first.text).to.equal('>a')
      const links = [{ id: 'meter', protocol: 'raw', master: 'tcp://127.0.0.1:1' }]
      const accept = { successors: 'listed', signers: [{ file: join(folder, 'next.pub') }] }
      await pair.headEnd.reload(configOf('head-end', { sites: [{ site: 'test', peer: 'p', accept, links }] }))
      await until('it is taken', () => pair.headEnd.stats.sites[0]?.channel === 'up')
      const answer = async (): Promise<string> => {
        const peer = await Peer.connect(pair.port('meter'))
        peer.send('c')
        await until('it ends or answers', () => peer.ended || peer.text === '>c')
        peer.socket.destroy()
        return peer.text
      }
      // Connections that come before the channel holds again are closed.
      let text = ''
      for (let i = 0; i < 100 && text !== '>c'; i++) text = await answer()
      expect(text).to.equal('>c')
      const restart = pair.events.find(({ code }) => code === 'config.restart')
      expect(restart?.message, 'what else differs waits').to.match(/identity/)
    }))
})
