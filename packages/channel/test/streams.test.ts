import { expect } from 'chai'
import { firstValueFrom } from 'rxjs'
import { connect, listen } from '@gridseal/transport'
import type { Listener } from '@gridseal/transport'
import { acceptChannel, connectChannel } from '@gridseal/channel'
import type { Channel } from '@gridseal/channel'
import { ACCEPT, CONNECT, collect, refusal } from './support/channel-pair.ts'
import { STRANGER } from './support/identities.ts'

for (const [name, url] of [
  ['TCP', 'tcp://127.0.0.1:0'],
  ['WebSocket', 'ws://127.0.0.1:0/channel'],
] as const) {
  describe(`channel: over ${name}`, () => {
    let listener: Listener
    let accepted: Promise<Channel>

    beforeEach(async () => {
      listener = await listen(url)
      accepted = firstValueFrom(listener.connections).then((connection) => acceptChannel(connection, ACCEPT))
    })
    afterEach(() => listener.close())

    it('carries large messages both ways at once, with back-pressure, and closes in good order', async () => {
      const client = await connectChannel(await connect(listener.url), CONNECT)
      const server = await accepted
      const [atClient, atServer] = [collect(client), collect(server)]
      const flood = async (channel: Channel, fill: number): Promise<void> => {
        for (let i = 0; i < 40; i++) {
          if (!channel.send(i, new Uint8Array(300_000).fill(fill + i))) await firstValueFrom(channel.drained)
        }
      }
      await Promise.all([flood(client, 1), flood(server, 100)])
      await client.close()
      expect([(await client.closed).kind, (await server.closed).kind]).to.deep.equal(['local', 'close_notify'])
      for (const [{ messages }, fill] of [
        [atServer, 1],
        [atClient, 100],
      ] as const) {
        expect(messages.map(({ port, bytes }) => [port, bytes.length, bytes[0], bytes.at(-1)])).to.deep.equal(
          Array.from({ length: 40 }, (_, i) => [i, 300_000, fill + i, fill + i]),
        )
      }
    })

    it('lets the alert through to a client that is refused', async () => {
      const connection = await connect(listener.url)
      const refused = refusal(accepted)
      expect(await refusal(connectChannel(connection, { ...CONNECT, identity: STRANGER }))).to.equal('channel.alert')
      expect(await refused).to.equal('channel.peer.unknown')
    })

    it('reports a connection that is broken off', async () => {
      const connection = await connect(listener.url)
      const client = await connectChannel(connection, CONNECT)
      const server = await accepted
      collect(server)
      collect(client)
      connection.destroy()
      expect([(await client.closed).kind, (await server.closed).kind]).to.deep.equal(['truncated', 'truncated'])
    })
  })
}
