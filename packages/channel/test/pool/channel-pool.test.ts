import { expect } from 'chai'
import { memoryPair } from '@gridseal/transport'
import { ChannelPool, acceptChannel, connectChannel } from '@gridseal/channel'
import type { Channel, ChannelPoolOptions } from '@gridseal/channel'
import { ACCEPT, CONNECT, refusal, settled } from '../support/channel-pair.ts'
import { codeOf } from '../support/code-of.ts'

/** Sites over memory which answer each message with their name. */
class Sites {
  readonly servers: { readonly site: string; readonly channel: Channel }[] = []

  readonly dial = async (site: string): Promise<Channel> => {
    const [near, far] = memoryPair()
    const [client, channel] = await Promise.all([connectChannel(near, CONNECT), acceptChannel(far, ACCEPT)])
    channel.messages.subscribe(({ port }) => channel.send(port, new TextEncoder().encode(site)))
    this.servers.push({ site, channel })
    return client
  }
}

async function ask(channel: Channel): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const subscription = channel.messages.subscribe(({ bytes }) => resolve(Buffer.from(bytes).toString()))
  channel.send(1, new Uint8Array(0))
  const answer = await promise
  subscription.unsubscribe()
  return answer
}

describe('channel pool', () => {
  let sites: Sites
  let pool: ChannelPool | undefined

  beforeEach(() => {
    sites = new Sites()
  })
  afterEach(async () => {
    await pool?.close()
    pool = undefined
  })
  const start = (options: Partial<ChannelPoolOptions> = {}): ChannelPool =>
    (pool = new ChannelPool({ dial: sites.dial, ...options }))

  it('opens one channel to a site and uses it again', async () => {
    const all = start()
    for (let n = 0; n < 5; n++) expect(await all.use('north', ask)).to.equal('north')
    expect(await all.use('south', ask)).to.equal('south')
    expect([sites.servers.length, all.stats.reused, all.stats.idle]).to.deep.equal([2, 4, 2])
  })

  it('lets others wait while one has the channel', async () => {
    const order: number[] = []
    const shared = start()
    const all = [1, 2, 3].map((n) => shared.use('north', async (channel) => order.push(n, (await ask(channel)).length)))
    await Promise.all(all)
    expect([order, sites.servers.length]).to.deep.equal([[1, 5, 2, 5, 3, 5], 1])
  })

  it('notices that a free channel has ended, and opens another', async () => {
    await start().use('north', ask)
    await sites.servers[0]!.channel.close()
    await settled()
    expect(pool!.stats).to.include({ lost: 1, idle: 0 })
    expect(await pool!.use('north', ask)).to.equal('north')
    expect(sites.servers).to.have.length(2)
  })

  it('does not use a channel again whose user has failed with it', async () => {
    const failing = start().use('north', () => Promise.reject(new RangeError('the user has failed')))
    expect(await failing.catch((error: unknown) => String(error))).to.include('the user has failed')
    expect(pool!.stats).to.include({ discarded: 1, leased: 0 })
    expect((await sites.servers[0]!.channel.closed).kind).to.equal('close_notify')
    expect(await pool!.use('north', ask)).to.equal('north')
  })

  it('refuses to take a channel back that somebody still listens to', async () => {
    const lease = await start().acquire('north')
    lease.channel.messages.subscribe()
    expect(codeOf(() => lease.release())).to.equal('channel.subscribed')
    expect(pool!.stats).to.include({ discarded: 1, idle: 0 })
    lease.release()
  })

  it('tells who asks why a site cannot be reached', async () => {
    const dial = (): Promise<Channel> => {
      const [near, far] = memoryPair()
      far.destroy()
      return connectChannel(near, CONNECT)
    }
    expect(await refusal(start({ dial }).acquire('nowhere'))).to.equal('channel.truncated')
    expect(pool!.stats).to.include({ dialFailures: 1, waiting: 0, dialling: 0 })
  })

  it('gives up waiting, checks and closes by its clock', async () => {
    let good = true
    const checked: Channel[] = []
    const check = (channel: Channel): Promise<boolean> => (checked.push(channel), Promise.resolve(good))
    const lease = await start({ check, waitTimeout: 1000, checkInterval: 10, idleTimeout: 60_000 }).acquire('north')
    expect(await refusal(pool!.acquire('north'))).to.equal('channel.pool.timeout')
    lease.release()
    while (checked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(checked[0]).to.equal(lease.channel)
    good = false
    while (pool!.stats.unhealthy === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await lease.channel.closed).kind).to.equal('local')
  })

  it('a check that throws, or never comes back, has found the channel bad: who waits gets another', async () => {
    let checks = 0
    const check = (): Promise<boolean> => {
      if (checks++ > 0) return new Promise(() => undefined)
      throw new RangeError('the check itself has failed')
    }
    await start({ check, checkInterval: 10, waitTimeout: 10_000 }).use('north', ask)
    while (pool!.stats.unhealthy === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await pool!.use('north', ask)
    while (checks < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await pool!.use('north', ask)).to.equal('north')
    expect(pool!.stats).to.include({ unhealthy: 2, dialled: 3, timedOut: 0 })
  })

  it('closes free channels at once and leased ones when they come back', async () => {
    const lease = await start().acquire('north')
    await pool!.use('south', ask)
    const closing = pool!.close()
    expect(await refusal(pool!.acquire('east'))).to.equal('channel.pool.closed')
    await closing
    expect(await ask(lease.channel)).to.equal('north')
    lease.release()
    expect((await lease.channel.closed).kind).to.equal('local')
  })

  it('checks its options', () => {
    for (const wrong of [{ size: 0 }, { perSite: 1.5 }, { idleTimeout: -1 }, { sizes: 3 }, { dial: 'x' }]) {
      const options = { dial: sites.dial, ...wrong } as unknown as ChannelPoolOptions
      expect(
        codeOf(() => new ChannelPool(options)),
        JSON.stringify(wrong),
      ).to.equal('channel.option')
    }
  })
})
