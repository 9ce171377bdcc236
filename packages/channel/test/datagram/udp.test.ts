import { expect } from 'chai'
import { connectDatagram, listenDatagram, udpLink, udpPath } from '@gridseal/channel'
import { firstValueFrom } from 'rxjs'
import { needIpv6 } from '../../../../test/support/requirements.ts'
import { ACCEPT, CONNECT, collect, refusal } from '../support/channel-pair.ts'
import { until } from '../support/datagram-pair.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('channel over datagrams: UDP', () => {
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    it(`carries messages over ${host}`, async function () {
      if (host === '[::1]') needIpv6(this)
      const bind = `udp://${host === 'localhost' ? '127.0.0.1' : host}:0`
      const listener = listenDatagram([await udpLink({ bind })], ACCEPT)
      const port = /:(\d+)$/.exec(listener.urls[0]!)![1]
      const accepted = firstValueFrom(listener.channels)
      const path = await udpPath(`udp://${host}:${port}`)
      const [client, server] = await Promise.all([connectDatagram([path], CONNECT), accepted])
      const { messages } = collect(server)
      collect(client)
      for (let n = 0; n < 50; n++) client.send(1, new Uint8Array(20_000).fill(n))
      client.send(2, text('once'), { once: true })
      await until('all is there', () => messages.length === 51)
      const ordered = messages.filter(({ port: each }) => each === 1).map(({ bytes }) => bytes[0])
      expect(ordered).to.deep.equal(Array.from({ length: 50 }, (_, n) => n))
      await client.close()
      expect([(await client.closed).kind, (await server.closed).kind]).to.deep.equal(['local', 'close_notify'])
      expect(listener.open).to.equal(0)
      await listener.close()
    })
  }

  it('a port that nobody listens on is no channel, in time', async () => {
    const silent = await udpLink({ bind: 'udp://127.0.0.1:0' })
    const path = await udpPath(silent.url)
    const call = connectDatagram([path], { ...CONNECT, handshakeTimeout: 100 })
    expect(await refusal(call)).to.equal('channel.handshake.timeout')
    await silent.close()
  })

  it('an address that the allow-list does not name is not heard', async () => {
    const listener = listenDatagram([await udpLink({ bind: 'udp://127.0.0.1:0', allow: ['10.0.0.0/8'] })], ACCEPT)
    const call = connectDatagram([await udpPath(listener.urls[0]!)], { ...CONNECT, handshakeTimeout: 100 })
    expect(await refusal(call)).to.equal('channel.handshake.timeout')
    expect(listener.counters.retries).to.equal(0)
    await listener.close()
  })

  it('an unknown name is refused', async () => {
    expect(await refusal(udpPath('udp://nowhere.invalid:1'))).to.equal('transport.connect.host')
  })
})
