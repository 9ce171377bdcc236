import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { authority, device } from './authority.ts'

const PAIRS: readonly (readonly [SignatureAlgorithm, SignatureAlgorithm])[] = [
  ['ML-DSA-44', 'ML-DSA-44'],
  ['ML-DSA-65', 'ML-DSA-65'],
  ['ML-DSA-87', 'ML-DSA-65'],
  ['ML-DSA-87', 'ML-DSA-87'],
  ['SLH-DSA-SHA2-128f', 'ML-DSA-44'],
  ['ECDSA-P256', 'ECDSA-P256'],
  ['Ed25519', 'Ed25519'],
]

describe('TLS 1.3 with our certificates, mutual, X25519MLKEM768', function () {
  this.timeout(30_000)

  for (const [ca, end] of PAIRS) {
    it(`root ${ca}, ends ${end}`, async () => {
      const root = await authority('root', ca)
      const [server, client] = [await device(root, end), await device(root, end)]
      const common = { ca: root.certificate.toPem(), minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' } as const
      const listener = createServer({
        ...common,
        cert: server.certificate.toPem(),
        key: server.key.toPem(),
        requestCert: true,
        rejectUnauthorized: true,
      })
      listener.listen(0, '127.0.0.1')
      await once(listener, 'listening')
      const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>
      const socket = connect({
        ...common,
        host: '127.0.0.1',
        port: (listener.address() as AddressInfo).port,
        servername: 'meter-7.netz.example',
        cert: client.certificate.toPem(),
        key: client.key.toPem(),
      })
      try {
        await once(socket, 'secureConnect')
        const [peer] = await accepted
        expect([socket.authorized, peer.authorized]).to.deep.equal([true, true])
        expect(socket.getProtocol()).to.equal('TLSv1.3')
        expect(socket.getEphemeralKeyInfo()).to.include({ name: 'X25519MLKEM768' })
        expect(Buffer.from(socket.getPeerCertificate().raw).equals(server.certificate.der)).to.equal(true)
        peer.end('tap position 7')
        const [data] = (await once(socket, 'data')) as [Buffer]
        expect(data.toString()).to.equal('tap position 7')
      } finally {
        socket.destroy()
        listener.close()
      }
    })
  }
})
