import { connect } from 'node:net'
import { expect } from 'chai'
import { bridgeHealth } from '@gridseal/bridge'
import type { BridgeHealth } from '@gridseal/bridge'
import { Policy, cryptoStatus, currentPolicy, setPolicy } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'
import { HealthServer } from '#src/health-server.ts'
import type { Told } from '#src/health-server.ts'
import type { Pair } from './support/pair.ts'
import { Device, startPair } from './support/pair.ts'

const ANYWHERE = 'tcp://127.0.0.1:0'

describe('health of a bridge', () => {
  describe('of a pair', () => {
    const before = currentPolicy()
    let device: Device
    let pair: Pair
    beforeEach(async () => {
      device = await Device.listen()
      pair = await startPair([{ id: 'a', device: device.url }], { field: { health: { listen: ANYWHERE } } })
    })
    afterEach(async () => {
      setPolicy(before)
      await pair.stop()
      device.close()
    })
    const ask = async (): Promise<{ status: number; body: BridgeHealth }> => {
      const response = await fetch(pair.field.stats.listening['health']!)
      return { status: response.status, body: (await response.json()) as BridgeHealth }
    }

    it('tells channel, FIPS mode, policy, providers and self-tests', async () => {
      const { status, body } = await ask()
      expect(status).to.equal(200)
      expect(body).to.include({ status: 'ok', role: 'field' })
      expect(body.sites).to.deep.equal([{ site: 'test', channel: 'up' }])
      expect(body.crypto).to.include({
        mode: 'standard',
        state: 'operational',
        symmetric: 'passed',
        opensslFips: 'none',
      })
      expect(body.crypto.tested.native).to.include.members(['ML-DSA-44', 'ML-KEM-1024'])
      expect([body.crypto.failures, body.crypto.policy]).to.deep.equal([[], {}])
    })

    it('shows FIPS mode, and that it was not in force from the start', async () => {
      setPolicy(new Policy({ fips: true, minimumCategory: 2 }))
      const { refusals } = cryptoStatus()
      expect(() => setPolicy(new Policy({ minimumCategory: 9 }))).to.throw(UsageError)
      const { body } = await ask()
      expect(body.crypto).to.include({ mode: 'fips', refusals })
      expect(body.crypto.policy).to.deep.equal({ fips: true, minimumCategory: 2 })
      expect(body.crypto.approved).to.equal(body.crypto.nonApprovedUses === 0)
    })

    it('is degraded while the channel is down, and gone when the bridge has stopped', async () => {
      const url = pair.field.stats.listening['health']!
      await pair.headEnd.stop()
      let body: BridgeHealth
      do body = (await ask()).body
      while (body.sites[0]?.channel === 'up')
      expect(body.status).to.equal('degraded')
      await pair.field.stop()
      const error: unknown = await fetch(url).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(TypeError)
    })

    it('has failed when the bridge is broken or the core has stopped; withdrawn algorithms degrade it', () => {
      const crypto = cryptoStatus()
      expect(bridgeHealth(pair.headEnd, false).status).to.equal('ok')
      expect(bridgeHealth(pair.headEnd, true).status).to.equal('failed')
      expect(bridgeHealth(pair.headEnd, false, { ...crypto, state: 'error' }).status).to.equal('failed')
      expect(bridgeHealth(pair.headEnd, false, { ...crypto, state: 'degraded' }).status).to.equal('degraded')
    })
  })

  describe('over HTTP', () => {
    const failed: BridgeHealth = { status: 'failed', role: 'field', sites: [], crypto: cryptoStatus() }
    const told: Told = { health: () => failed, metrics: () => Promise.reject(new InternalError('test', 'no metrics')) }
    let server: HealthServer
    beforeEach(async () => {
      server = new HealthServer(ANYWHERE, told)
      await server.start()
    })
    afterEach(() => server.stop())

    it('answers 503 for what has failed, 404 and 405 for what is not there', async () => {
      const url = `${server.url}/health`
      expect((await fetch(url)).status).to.equal(503)
      expect((await fetch(url, { method: 'HEAD' })).status).to.equal(503)
      expect((await fetch(url.replace('health', 'other'))).status).to.equal(404)
      const broken = await fetch(url.replace('health', 'metrics'))
      expect([broken.status, await broken.text()]).to.deep.equal([500, '{"error":"this cannot be told now"}\n'])
      const posted = await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })
      expect([posted.status, posted.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD'])
    })

    it('closes what is not HTTP, and what has endless headers', async () => {
      const { port } = new URL(server.url!)
      for (const bytes of [
        '\x05d\x05\xc9\x03\x01\r\n\r\n',
        `GET /health HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      ]) {
        const reply = await new Promise<string>((resolve) => {
          let text = ''
          const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes, 'latin1'))
          socket.on('data', (chunk) => (text += chunk.toString('latin1')))
          socket.on('error', () => undefined)
          socket.on('close', () => resolve(text))
        })
        expect(reply).to.match(/^HTTP\/1.1 4\d\d /)
      }
    })

    it('is not kept from supervisors by those who connect and say nothing', async () => {
      const { port } = new URL(server.url!)
      const silent = Array.from({ length: 16 }, () => connect(Number(port), '127.0.0.1'))
      for (const socket of silent) socket.on('error', () => undefined)
      await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
      // There is no room for one more, and soon there is.
      const error: unknown = await fetch(`${server.url}/health`).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(TypeError)
      const answered = async (): Promise<boolean> =>
        (await fetch(`${server.url}/health`).catch(() => undefined)) !== undefined
      for (const deadline = Date.now() + 15_000; !(await answered());) {
        if (Date.now() > deadline) expect.fail('not answered for 15 s')
        await new Promise((later) => setTimeout(later, 200))
      }
      for (const socket of silent) socket.destroy()
    })

    it('says clearly where it cannot listen', async () => {
      const { port } = new URL(server.url!)
      const second = new HealthServer(`tcp://127.0.0.1:${port}`, told)
      const error: unknown = await second.start().catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(UsageError).with.property('code', 'config.health')
    })
  })
})
