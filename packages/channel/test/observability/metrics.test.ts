import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { memoryPair } from '@gridseal/transport'
import { ChannelGuard, ChannelMetrics, ChannelPool, acceptChannel, connectChannel } from '@gridseal/channel'
import { ACCEPT, CONNECT, channelPair, collect, refusal, settled } from '../support/channel-pair.ts'
import { STRANGER } from '../support/identities.ts'

/** `name{label=value}` to value, of what is not zero. */
function values(metrics: ChannelMetrics): Record<string, number> {
  const lines = metrics
    .toPrometheus()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('duration_seconds'))
  return Object.fromEntries(
    lines
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))] as const)
      .filter(([, value]) => value !== 0),
  )
}

describe('channel metrics', () => {
  it('add up over all channels, those that have ended among them', async () => {
    const [near, far] = [new ChannelMetrics(), new ChannelMetrics()]
    for (let n = 0; n < 2; n++) {
      const { client, server } = await channelPair({ metrics: near }, { metrics: far })
      collect(server)
      collect(client)
      client.send(1, new Uint8Array(10))
      client.send(1, new Uint8Array(20), { ttl: 60_000 })
      await settled()
      if (n === 0) await client.close()
    }
    await settled()
    expect(values(near)).to.deep.equal({
      gridseal_channel_sessions_active: 1,
      'gridseal_channel_sessions_total{role="initiator",resumed="false"}': 2,
      'gridseal_channel_sessions_ended_total{kind="local"}': 1,
      gridseal_channel_messages_sent_total: 4,
      gridseal_channel_bytes_sent_total: 60,
    })
    expect(values(far)).to.deep.equal({
      gridseal_channel_sessions_active: 1,
      'gridseal_channel_sessions_total{role="responder",resumed="false"}': 2,
      'gridseal_channel_sessions_ended_total{kind="close_notify"}': 1,
      gridseal_channel_messages_received_total: 4,
      gridseal_channel_bytes_received_total: 60,
    })
  })

  it('tell failed handshakes and faults by their codes', async () => {
    const [near, far] = [new ChannelMetrics(), new ChannelMetrics()]
    const [a, b] = memoryPair()
    await Promise.all([
      refusal(connectChannel(a, { ...CONNECT, identity: STRANGER, metrics: near })),
      refusal(acceptChannel(b, { ...ACCEPT, metrics: far })),
    ])
    const { client, server, clientEnd } = await channelPair({ metrics: near }, { metrics: far })
    collect(server)
    collect(client)
    clientEnd.between = (frame) => [frame, frame]
    client.send(1, new Uint8Array(1))
    await Promise.all([client.closed, server.closed])
    expect(values(near)).to.include({
      'gridseal_channel_handshakes_failed_total{role="initiator",code="channel.alert"}': 1,
      'gridseal_channel_sessions_ended_total{kind="alert"}': 1,
    })
    expect(values(far)).to.include({
      'gridseal_channel_handshakes_failed_total{role="responder",code="channel.peer.unknown"}': 1,
      'gridseal_channel_sessions_ended_total{kind="error"}': 1,
      'gridseal_channel_faults_total{code="channel.record.replay"}': 1,
    })
  })

  it('have a histogram of handshake times, in seconds', () => {
    const metrics = new ChannelMetrics()
    for (const milliseconds of [4, 5, 6, 90, 40_000]) metrics.established('initiator', false, milliseconds)
    const lines = metrics
      .toPrometheus()
      .split('\n')
      .filter((line) => line.startsWith('gridseal_channel_handshake_duration_seconds'))
      .map((line) => line.replace('gridseal_channel_handshake_duration_seconds', '').replace('role="initiator"', ''))
    expect(lines).to.deep.equal([
      ...[0.005, 0.01, 0.025, 0.05].map((le, index) => `_bucket{,le="${le}"} ${index === 0 ? 2 : 3}`),
      ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30].map((le) => `_bucket{,le="${le}"} 4`),
      '_bucket{,le="+Inf"} 5',
      '_sum{} 40.105',
      '_count{} 5',
    ])
  })

  it('take in guards and pools', () => {
    const [guard, pool] = [new ChannelGuard(), new ChannelPool({ dial: () => Promise.reject(new RangeError()) })]
    guard.admit('192.0.2.1', 0)
    const metrics = new ChannelMetrics().watchGuard(guard).watchPool(pool)
    expect(values(metrics)).to.deep.equal({ gridseal_channel_guard_connections_total: 1 })
    const names = metrics.collect().map(({ name }) => name)
    expect(names).to.include.members(['gridseal_channel_pool_idle', 'gridseal_channel_pool_lost_total'])
    expect(new Set(names).size).to.equal(names.length)
  })

  it('are all in the README, with their meaning, and nothing else is', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const listed = [...readme.matchAll(/^\| `(gridseal_channel_\w+)`\s+\| (\w+)\s+\| (.*?)\s*\|$/gm)].map(
      ([, name, type, help]) => ({ name, type, help }),
    )
    const [guard, pool] = [new ChannelGuard(), new ChannelPool({ dial: () => Promise.reject(new RangeError()) })]
    const metrics = new ChannelMetrics().watchGuard(guard).watchPool(pool)
    expect(listed).to.deep.equal(metrics.collect().map(({ name, type, help }) => ({ name, type, help })))
  })

  it('and tracers must be what they are called', async () => {
    for (const wrong of [{ metrics: {} }, { tracer: {} }, { keyLog: 'yes' }, { coalesce: 1 }]) {
      const options = { ...CONNECT, ...wrong } as unknown as typeof CONNECT
      expect(await refusal(connectChannel(memoryPair()[0], options)), JSON.stringify(wrong)).to.equal('channel.option')
    }
  })
})
