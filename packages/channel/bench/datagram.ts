import { firstValueFrom } from 'rxjs'
import { connectDatagram, listenDatagram, udpLink, udpPath } from '@gridseal/channel'
import { SigningKey } from '@gridseal/pqc'
import { pipeOf } from './pipes.ts'
import type { Contender } from './pipes.ts'

/** The channel over UDP on loopback, messages in order and repeated until they are there. */
export async function datagramContender(): Promise<Contender> {
  const [client, server] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('ML-DSA-65')]
  const link = await udpLink({ bind: 'udp://127.0.0.1:0' })
  const listener = listenDatagram([link], { identity: server, peers: () => client.publicKey })
  return {
    name: 'channel over UDP',
    async open() {
      const accepted = firstValueFrom(listener.channels)
      const near = await connectDatagram([await udpPath(link.url)], { identity: client, peer: server.publicKey })
      const far = await accepted
      return pipeOf(near, far)
    },
    stop: () => listener.close(),
  }
}
