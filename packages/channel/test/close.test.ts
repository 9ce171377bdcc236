import { mock } from 'node:test'
import { expect } from 'chai'
import { InternalError } from '@gridseal/wire'
import { channelPair, collect, settled } from './support/channel-pair.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('channel: close_notify', () => {
  it('ends both ends in good order', async () => {
    const { client, server } = await channelPair()
    const ended: string[] = []
    client.messages.subscribe({ complete: () => ended.push('client') })
    server.messages.subscribe({ complete: () => ended.push('server') })
    await client.close()
    expect(await client.closed).to.deep.equal({ kind: 'local' })
    expect(await server.closed).to.deep.equal({ kind: 'close_notify' })
    expect(ended.toSorted()).to.deep.equal(['client', 'server'])
  })

  it('drains what the peer had sent before it learnt of the close', async () => {
    const { client, server } = await channelPair()
    const [atClient, atServer] = [collect(client), collect(server)]
    client.send(1, text('last word'))
    const closing = client.close()
    for (let i = 0; i < 100; i++) server.send(i, text('under way'))
    await closing
    expect(atClient.texts).to.have.length(100)
    expect(atServer.texts).to.deep.equal(['1:last word'])
    expect((await client.closed).kind).to.equal('local')
  })

  it('drains a paused receiver too, and counts what nobody read', async () => {
    const { client, server } = await channelPair()
    collect(server)
    for (let i = 0; i < 3; i++) server.send(1, text('for nobody'))
    client.pause()
    await client.close()
    expect((await client.closed).kind).to.equal('local')
    expect(client.counters).to.include({ unread: 3, messagesReceived: 0 })
  })

  it('works when both close at once', async () => {
    const { client, server } = await channelPair()
    collect(server)
    await Promise.all([client.close(), server.close()])
    expect([await client.closed, await server.closed]).to.deep.equal([{ kind: 'local' }, { kind: 'local' }])
  })

  it('can be asked twice, and after the end', async () => {
    const { client, server, clientEnd } = await channelPair()
    collect(server)
    const written = clientEnd.written.length
    await Promise.all([client.close(), client.close()])
    await client.close()
    expect(clientEnd.written.length - written).to.equal(1)
  })

  it('sends nothing after close: send returns false and counts', async () => {
    const { client, server, clientEnd } = await channelPair()
    const { texts } = collect(server)
    const closing = client.close()
    const written = clientEnd.written.length
    expect(client.send(1, text('too late'))).to.equal(false)
    await closing
    expect(client.send(1, text('far too late'))).to.equal(false)
    // The close itself.
    expect([texts, client.counters.refused, clientEnd.written.length - written]).to.deep.equal([[], 2, 1])
  })

  it('sends nothing after close, also no alert for what is wrong with what still comes', async () => {
    const { client, clientEnd, server, serverEnd } = await channelPair()
    collect(client)
    serverEnd.between = () => []
    void client.close()
    await settled()
    const { length } = clientEnd.written
    serverEnd.forge(Uint8Array.of(0x10, 0, 0, 0, 24, ...new Uint8Array(24)))
    await settled()
    collect(server)
    expect((await client.closed).kind).to.equal('error')
    expect(clientEnd.written.length).to.equal(length)
    await server.closed
  })

  it('completes messages for whoever subscribes after the end', async () => {
    const { client, server } = await channelPair()
    collect(server)
    await client.close()
    let completed = false
    client.messages.subscribe({ complete: () => (completed = true) })
    expect(completed).to.equal(true)
  })
})

describe('channel: truncation', () => {
  it('is reported when the connection ends without close_notify', async () => {
    const { client, server, clientEnd } = await channelPair()
    const { texts } = collect(server)
    collect(client)
    client.send(1, text('whole'))
    await settled()
    clientEnd.end()
    const end = await server.closed
    expect([end.kind, end.error?.code, texts]).to.deep.equal(['truncated', 'channel.truncated', ['1:whole']])
  })

  it('is reported when it ends in the middle of a record', async () => {
    const { client, server, clientEnd } = await channelPair()
    const { texts } = collect(server)
    collect(client)
    clientEnd.between = (chunk) => [chunk.subarray(0, chunk.length - 1)]
    client.send(1, text('cut'))
    await settled()
    clientEnd.end()
    expect([(await server.closed).kind, texts]).to.deep.equal(['truncated', []])
  })

  it('is reported when an attacker cuts off the close_notify itself', async () => {
    const { client, server, clientEnd } = await channelPair()
    collect(server)
    collect(client)
    clientEnd.between = () => []
    const closing = client.close()
    await settled()
    clientEnd.end()
    await closing
    expect([(await server.closed).kind, (await client.closed).kind]).to.deep.equal(['truncated', 'truncated'])
  })

  it('names the error of the connection', async () => {
    const { server, serverEnd } = await channelPair()
    collect(server)
    serverEnd.destroy(new InternalError('transport.reset', 'connection reset'))
    const { kind, error } = await server.closed
    expect([kind, error?.message]).to.deep.equal([
      'truncated',
      'the connection ended without close_notify: connection reset',
    ])
    expect(error?.cause).to.have.property('code', 'transport.reset')
  })

  it('is not reported before what had arrived is delivered to a slow receiver', async () => {
    const { client, server, clientEnd } = await channelPair()
    const { texts } = collect(server)
    collect(client)
    server.pause()
    client.send(1, text('kept'))
    await settled()
    clientEnd.end()
    await settled()
    server.resume()
    expect((await server.closed).kind).to.equal('truncated')
    expect(texts).to.deep.equal(['1:kept'])
  })
})

describe('channel: a peer that does not answer', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(() => mock.timers.reset())

  it('is given closeTimeout to close', async () => {
    const { client, clientEnd } = await channelPair({ closeTimeout: 3000 })
    clientEnd.between = () => []
    const closing = client.close()
    let done = false
    void closing.then(() => (done = true))
    await settled()
    mock.timers.tick(2999)
    await settled()
    expect(done).to.equal(false)
    mock.timers.tick(1)
    await closing
    const { kind, error } = await client.closed
    expect([kind, error?.code]).to.deep.equal(['truncated', 'channel.close.timeout'])
  })
})
