import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { CertificateTrust, ChannelMetrics } from '@gridseal/channel'
import { KEY_LOG_VARIABLE } from '#src/observability/key-log.ts'
import { NOW, authority, certified } from '../support/authority.ts'
import { collect } from '../support/channel-pair.ts'
import { datagramPair, until } from '../support/datagram-pair.ts'
import { pinned } from '../support/identities.ts'

describe('channel over datagrams: what every channel has', () => {
  it('identities by certificates, whose chains need more fragments, under loss', async () => {
    const root = await authority('Grid Root')
    const between = await authority('Field CA', root)
    const field = await certified('meter-7.example', between, {}, [between])
    const head = await certified('head-end.example', between, {}, [between])
    const trust = (host?: string): CertificateTrust =>
      new CertificateTrust({ roots: [root.certificate], now: () => NOW, ...(host === undefined ? {} : { host }) })
    const { client, server, stop } = await datagramPair({
      seed: 6,
      faults: { drop: 0.15, jitter: 3 },
      client: { identity: field, peer: trust('head-end.example') },
      server: { identity: head, peers: pinned(), certificates: trust() },
    })
    expect([client.certificate?.subject.text, server.certificate?.subject.text]).to.deep.equal([
      'CN=head-end.example',
      'CN=meter-7.example',
    ])
    await stop()
  })

  it('metrics, and a key log that two must agree to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gridseal-keylog-'))
    const file = join(folder, 'keys')
    const metrics = new ChannelMetrics()
    process.env[KEY_LOG_VARIABLE] = file
    try {
      const { client, server, stop } = await datagramPair({ client: { keyLog: true, metrics }, server: { metrics } })
      collect(client)
      collect(server)
      client.rekey()
      await until('fresh keys', () => client.counters.rekeysCompleted === 1 && server.counters.rekeysCompleted === 1)
      await stop()
      const lines = readFileSync(file, 'utf8').trim().split('\n')
      expect(lines.map((line) => line.split(' ')[0])).to.deep.equal([
        'GRIDSEAL_INITIATOR_TRAFFIC_0',
        'GRIDSEAL_RESPONDER_TRAFFIC_0',
        'GRIDSEAL_INITIATOR_TRAFFIC_1',
        'GRIDSEAL_RESPONDER_TRAFFIC_1',
      ])
      expect(metrics.toPrometheus()).to.match(/_rekeys_completed_total 2\n/)
    } finally {
      delete process.env[KEY_LOG_VARIABLE]
      rmSync(folder, { recursive: true })
    }
  })
})
