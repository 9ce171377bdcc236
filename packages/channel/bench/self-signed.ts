import { generateKeyPairSync, sign } from 'node:crypto'
import { BER, BerWriter, contextConstructed } from '@gridseal/wire'

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'

/** A P-256 key with a self-signed certificate for it, in PEM, for the TLS beside which the channel is measured. */
export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = (w: BerWriter): void => {
    w.constructed(BER.SEQUENCE, (rdns) =>
      rdns.constructed(BER.SET, (rdn) =>
        rdn.constructed(BER.SEQUENCE, (pair) => pair.oid(COMMON_NAME).text('bench.example')),
      ),
    )
  }
  const algorithm = (w: BerWriter): BerWriter => w.constructed(BER.SEQUENCE, (a) => a.oid(ECDSA_WITH_SHA256))
  const time = (text: string): Uint8Array => new TextEncoder().encode(text)
  const body = new BerWriter(1024)
    .constructed(BER.SEQUENCE, (w) => {
      w.constructed(contextConstructed(0), (version) => version.integer(2)).integer(1)
      name(algorithm(w))
      w.constructed(BER.SEQUENCE, (validity) =>
        validity.contents(BER.UTC_TIME, time('250101000000Z')).contents(BER.GENERALIZED_TIME, time('99991231235959Z')),
      )
      name(w)
      w.raw(publicKey.export({ type: 'spki', format: 'der' }))
    })
    .finish()
  const der = new BerWriter(1024)
    .constructed(BER.SEQUENCE, (w) => algorithm(w.raw(body)).bitString(sign('sha256', body, privateKey)))
    .finish()
  const base64 = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  }
}
