import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import { join } from 'node:path'
import { UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import type { Pair } from './support/pair.ts'
import { Device, Peer, channelUp, startPair, until } from './support/pair.ts'
import { FaultProxy } from '../../../test/support/fault-proxy.ts'

const echo = (peer: Peer): void => {
  peer.socket.on('data', (chunk) => peer.socket.write(chunk))
}

describe('a pair of bridges', () => {
  let device: Device
  let pair: Pair
  afterEach(async () => {
    await pair.stop()
    device.close()
  })

  it('carries bytes both ways, and mirrors every connection by one of its own', async () => {
    device = await Device.listen(echo)
    pair = await startPair([{ id: 'a', device: device.url }])
    const one = await Peer.connect(pair.port('a'))
    const two = await Peer.connect(pair.port('a'))
    one.send('first')
    two.send('second')
    await until('both echoes', () => one.text === 'first' && two.text === 'second')
    expect(device.peers.map((peer) => peer.text).sort()).to.deep.equal(['first', 'second'])
  })

  it('closes the other end when one closes, after what is under way has arrived', async () => {
    device = await Device.listen()
    pair = await startPair([{ id: 'a', device: device.url }])
    const master = await Peer.connect(pair.port('a'))
    await until('the mirror', () => device.peers.length === 1)
    const [mirror] = device.peers
    mirror?.send('last words')
    mirror?.socket.end()
    await until('the master is closed', () => master.ended)
    expect(master.text).to.equal('last words')
    const other = await Peer.connect(pair.port('a'))
    await until('the second mirror', () => device.peers.length === 2)
    other.socket.end('good bye')
    await until('the device is closed', () => device.peers[1]?.ended === true)
    expect(device.peers[1]?.text).to.equal('good bye')
  })

  it('closes a master whose device cannot be reached, and tells the operator why', async () => {
    device = await Device.listen()
    pair = await startPair([{ id: 'a', device: 'tcp://127.0.0.1:9' }])
    const master = await Peer.connect(pair.port('a'))
    await until('the master is closed', () => master.ended)
    expect(pair.events.some(({ message }) => message.includes('cannot connect to the device'))).to.equal(true)
  })

  it('keeps both journals so that they verify', async () => {
    device = await Device.listen(echo)
    pair = await startPair([{ id: 'a', device: device.url }])
    const master = await Peer.connect(pair.port('a'))
    for (let i = 0; i < 20; i++) {
      master.send(`frame ${i};`)
      await until(`echo ${i}`, () => master.text.endsWith(`frame ${i};`))
    }
    await pair.headEnd.stop()
    await pair.field.stop()
    for (const name of ['field', 'head-end']) {
      const folder = join(pair.folder, `journal-${name}`)
      const report = await verifyJournal(folder, { keys: await readJournalKeys(folder) })
      expect(report, name).to.include({ failed: 0, frames: 40, logs: 2 })
    }
  })

  it('a device that reads nothing holds back its own master and nobody else', async () => {
    device = await Device.listen((peer) => {
      if (device.peers.length === 1) peer.socket.pause()
      else echo(peer)
    })
    const window = '64KiB'
    pair = await startPair([{ id: 'a', device: device.url, field: { window }, headEnd: { window } }])
    const stuck = await Peer.connect(pair.port('a'))
    await until('the first mirror', () => device.peers.length === 1)
    const block = Buffer.alloc(64 * 1024, 's')
    let accepted = 0
    for (let i = 0; i < 400; i++) {
      stuck.socket.write(block, () => accepted++)
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const live = await Peer.connect(pair.port('a'))
    for (let i = 0; i < 20; i++) {
      live.send(`${i};`)
      await until(`echo ${i} beside the stuck one`, () => live.text.endsWith(`${i};`), 2000)
    }
    expect(accepted * block.length, 'bytes the bridges took from the stuck master').to.be.lessThan(24 << 20)
    device.peers[0]?.socket.resume()
    await until('everything arrives in the end', () => device.peers[0]?.length === 400 * block.length)
  })

  it('windows of different size on the two sides do not stop a connection', async () => {
    device = await Device.listen(echo)
    pair = await startPair([{ id: 'a', device: device.url, headEnd: { window: '64KiB' } }])
    const master = await Peer.connect(pair.port('a'))
    const block = 'x'.repeat(1 << 20)
    master.send(block)
    await until('all of it came back', () => master.length === block.length)
  })

  it('a bridge that cannot start closes what it has opened', async () => {
    device = await Device.listen()
    pair = await startPair([{ id: 'a', device: device.url }])
    const taken = Number(new URL(device.url).port)
    const { createBridge, parseConfig } = await import('@gridseal/bridge')
    const config = {
      role: 'head-end',
      identity: join(pair.folder, 'head-end.key'),
      channel: { listen: `tcp://127.0.0.1:${taken}` },
      sites: [
        {
          site: 's',
          peer: join(pair.folder, 'field.pub'),
          links: [{ id: 'a', protocol: 'raw', master: 'tcp://127.0.0.1:0' }],
        },
      ],
    }
    const bridge = await createBridge(parseConfig(JSON.stringify(config), 'test'), () => undefined)
    const failed = await bridge.start().catch((error: unknown) => error)
    expect(failed).to.be.instanceOf(UsageError)
    const port = Number(new URL(bridge.stats.listening['s/a'] ?? '').port)
    const late = await Peer.connect(port).catch((error: unknown) => error)
    expect(late, "the link's listener is closed again").to.be.instanceOf(Error)
  })

  it('stops while masters come and go: nothing is left open at the device', async () => {
    device = await Device.listen(echo)
    pair = await startPair([{ id: 'a', device: device.url }])
    let running = true
    const crowd = (async () => {
      while (running) {
        const master = await Peer.connect(pair.port('a')).catch(() => undefined)
        master?.send('x')
        await new Promise((resolve) => setTimeout(resolve, 2))
        if (device.peers.length % 3 === 0) master?.socket.destroy()
      }
    })()
    await until('a crowd', () => device.peers.length > 20)
    await pair.field.stop()
    running = false
    await crowd
    await until('all are closed', () => device.peers.every((peer) => peer.ended))
  })

  it('a policy lets pass what it names; the rest is held back, counted and told', async () => {
    device = await Device.listen()
    pair = await startPair([
      { id: 'drop', device: device.url, headEnd: { policy: { deny: ['unknown'] } } },
      { id: 'close', device: device.url, field: { policy: { allow: ['read'], onDeny: 'close' } } },
    ])
    const dropped = await Peer.connect(pair.port('drop'))
    dropped.send('open breaker')
    await until('it is counted', () => pair.headEnd.stats.sites[0]?.links['drop']?.denied === 1)
    expect(dropped.ended).to.equal(false)
    const closed = await Peer.connect(pair.port('close'))
    closed.send('open breaker')
    await until('the master is closed', () => closed.ended)
    expect(pair.field.stats.sites[0]?.links['close']?.denied).to.equal(1)
    expect(device.peers.map((peer) => peer.text)).to.deep.equal(['', ''])
    expect(pair.events.filter(({ code }) => code === 'policy.denied')).to.have.length(2)
  })

  it('a frame that comes too late is not delivered, and its connection is reset', async () => {
    device = await Device.listen()
    pair = await startPair([{ id: 'a', device: device.url, field: { maxAge: '0ms' } }])
    const master = await Peer.connect(pair.port('a'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    master.send('trip')
    await until('the master is reset', () => master.ended)
    expect(pair.field.stats.sites[0]?.links['a']?.stale).to.equal(1)
    expect(device.peers.map((peer) => peer.text).join('')).to.equal('')
  })
})

describe('a pair of bridges whose channel is cut', () => {
  let device: Device
  let pair: Pair
  let proxy: FaultProxy
  afterEach(async () => {
    await pair.stop()
    await proxy.close()
    device.close()
  })

  async function start(hold?: string): Promise<void> {
    device = await Device.listen(echo)
    pair = await startPair([{ id: 'a', device: device.url }], {
      ...(hold === undefined ? {} : { hold }),
      channelUrl: async (real) => {
        proxy = new FaultProxy({ target: Number(new URL(real).port), seed: 1 })
        return proxy.listen()
      },
    })
  }

  it('resumes: connections live on, every byte arrives once and in order', async () => {
    await start()
    const master = await Peer.connect(pair.port('a'))
    let sent = ''
    for (let i = 0; i < 60; i++) {
      const text = `<${i}>`
      sent += text
      master.send(text)
      if (i % 15 === 14) proxy.cut()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await until('all echoes', () => master.text.length >= sent.length)
    expect(master.text).to.equal(sent)
    expect(device.peers).to.have.length(1)
    expect(device.peers[0]?.text).to.equal(sent)
    expect(pair.headEnd.stats.sites[0]?.channels).to.be.greaterThan(2)
  })

  it('again and again under load: no credit is lost, no connection stands still', async () => {
    device = await Device.listen(echo)
    const window = '64KiB'
    pair = await startPair([{ id: 'a', device: device.url, field: { window }, headEnd: { window } }], {
      channelUrl: async (real) => {
        proxy = new FaultProxy({ target: Number(new URL(real).port), seed: 2 })
        return proxy.listen()
      },
    })
    const master = await Peer.connect(pair.port('a'))
    const block = 'y'.repeat(48 * 1024)
    let sent = 0
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 4; j++) master.send(block)
      sent += 4 * block.length
      await new Promise((resolve) => setTimeout(resolve, 15))
      proxy.cut()
      await channelUp(pair)
    }
    await until('everything came back', () => master.length === sent, 20_000)
  }).timeout(60_000)

  it('for longer than the hold time: what departed masters had sent is not done later', async () => {
    await start('100ms')
    proxy.refuse(true)
    proxy.cut()
    const master = await Peer.connect(pair.port('a'))
    master.send('trip the breaker')
    await until('the master is told', () => master.ended)
    proxy.refuse(false)
    await channelUp(pair)
    const later = await Peer.connect(pair.port('a'))
    later.send('read')
    await until('the echo', () => later.text === 'read')
    expect(device.peers.map((peer) => peer.text).filter((text) => text !== '')).to.deep.equal(['read'])
    await until('no connection is left behind', () => device.peers.filter((peer) => !peer.ended).length === 1)
  })

  it('for longer than the hold time: masters are closed, later ones refused until it is back', async () => {
    await start('100ms')
    const master = await Peer.connect(pair.port('a'))
    await until('the mirror', () => device.peers.length === 1)
    proxy.refuse(true)
    proxy.cut()
    await until('the master is closed', () => master.ended)
    await until('the device is closed', () => device.peers[0]?.ended === true)
    const early = await Peer.connect(pair.port('a'))
    await until('a new master is refused', () => early.ended)
    expect(pair.headEnd.stats.sites[0]?.links['a']?.refused).to.equal(1)
    proxy.refuse(false)
    await channelUp(pair)
    const late = await Peer.connect(pair.port('a'))
    late.send('back')
    await until('the echo', () => late.text === 'back')
  })

  it('without a word, as by a cable pulled: it is noticed, and masters are not left waiting', async () => {
    await start('400ms')
    const master = await Peer.connect(pair.port('a'))
    master.send('x')
    await until('the echo', () => master.text === 'x')
    proxy.stall(true)
    await until('the master is closed', () => master.ended, 5000)
    await until('the device is closed', () => device.peers[0]?.ended === true, 5000)
    proxy.stall(false)
    await channelUp(pair)
  })

  it('while a master leaves: its connection at the device does not stay behind', async () => {
    await start('150ms')
    const master = await Peer.connect(pair.port('a'))
    await until('the mirror', () => device.peers.length === 1)
    proxy.refuse(true)
    proxy.cut()
    master.socket.destroy()
    // Longer than the hold time on both sides.
    await new Promise((resolve) => setTimeout(resolve, 400))
    proxy.refuse(false)
    await channelUp(pair)
    await until('the device is closed', () => device.peers[0]?.ended === true)
  })

  it('by a restart of either bridge: goes on, and no old frame reaches a device', async () => {
    await start()
    for (const which of ['field', 'head-end'] as const) {
      const master = await Peer.connect(pair.port('a'))
      master.send('before')
      await until('the echo', () => master.text === 'before')
      await pair.restart(which)
      await channelUp(pair)
      await until('connections of the old process are gone', () => master.ended)
      const next = await Peer.connect(pair.port('a'))
      next.send('after')
      await until('the echo', () => next.text === 'after')
      const texts = device.peers.map((peer) => peer.text)
      expect(texts.filter((text) => text === 'before' || text === 'after')).to.have.length(which === 'field' ? 2 : 4)
    }
  })
})
