import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Bridge } from '@gridseal/bridge'
import { readKeyFile } from '@gridseal/pqc'
import { BRIDGE_METRICS } from '#src/metrics/metric-table.ts'
import { ROOT, needOptional, which } from '../../../test/support/requirements.ts'
import type { Pair } from './support/pair.ts'
import { Device, Peer, startPair, until } from './support/pair.ts'

const ANYWHERE = 'tcp://127.0.0.1:0'

/** A scrape: the text, and every value by `name{label="text",…}`. */
interface Scraped {
  readonly text: string
  readonly values: ReadonlyMap<string, number>
}

async function scrape(bridge: Bridge): Promise<Scraped> {
  const response = await fetch(bridge.stats.listening['metrics']!)
  expect(response.status).to.equal(200)
  expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return {
    text,
    values: new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    ),
  }
}

/** Members of `values` whose name begins like this, without that beginning. */
function members({ values }: Scraped, beginning: string): Record<string, number> {
  return Object.fromEntries(
    [...values].flatMap(([name, value]) => (name.startsWith(beginning) ? [[name.slice(beginning.length), value]] : [])),
  )
}

/** Waits until nothing is under way. */
async function quiet(pair: Pair): Promise<void> {
  const busy = ({ stats }: Bridge): boolean => {
    const site = stats.sites[0]!
    const backlog = Object.values(site.stored?.outgoing ?? {}).reduce((sum, one) => sum + one.backlog, 0)
    return site.outgoing.unacknowledged + site.outgoing.pending + backlog + stats.journal!.waitingBytes > 0
  }
  await until('nothing is under way', () => !busy(pair.field) && !busy(pair.headEnd))
}

describe('GET /metrics of a bridge', () => {
  let device: Device
  let master: Socket
  let meter: Socket
  let pair: Pair
  before(async () => {
    device = await Device.listen((peer) => peer.socket.on('data', (chunk) => peer.socket.write(chunk)))
    for (const socket of [(master = createSocket('udp4')), (meter = createSocket('udp4'))]) {
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    }
    const links = [
      { id: 'a', device: device.url },
      {
        id: 'b "\\',
        device: `udp://127.0.0.1:${meter.address().port}`,
        field: { store: 'urgent', bind: 'udp://127.0.0.1:0' },
        headEnd: { master: 'udp://127.0.0.1:0', peer: `udp://127.0.0.1:${master.address().port}` },
      },
    ]
    const health = { listen: ANYWHERE }
    pair = await startPair(links, { field: { health }, headEnd: { health } })
    const client = await Peer.connect(pair.port('a'))
    client.send('abc')
    await until('the echo', () => client.length === 3)
    client.send('defgh')
    await until('the echo', () => client.length === 8)
    const heard = new Promise((resolve) => master.once('message', resolve))
    meter.send('event', Number(new URL(pair.field.stats.listening['test/b "\\']!).port), '127.0.0.1')
    await heard
    await quiet(pair)
  })
  after(async () => {
    await pair.stop()
    master.close()
    meter.close()
    device.close()
  })

  it('tells what the statistics tell: links, streams, journal', async () => {
    for (const bridge of [pair.field, pair.headEnd]) {
      const { sites, journal } = bridge.stats
      const site = sites[0]!
      const seen = await scrape(bridge)
      for (const [link, counters] of Object.entries(site.links)) {
        const at = `{site="test",link="${link.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
        const of = (name: string, more = ''): number | undefined =>
          seen.values.get(`gridseal_bridge_link_${name}${at}${more}}`)
        expect(of('connections'), link).to.equal(counters.connections)
        expect(of('connections_total'), link).to.equal(counters.opened)
        expect(of('frames_total', ',direction="in"'), link).to.equal(counters.framesIn)
        expect(of('frames_total', ',direction="out"'), link).to.equal(counters.framesOut)
        expect(of('bytes_total', ',direction="in"'), link).to.equal(counters.bytesIn)
        expect(of('bytes_total', ',direction="out"'), link).to.equal(counters.bytesOut)
      }
      const { outgoing, incoming } = site
      expect(outgoing.batches).to.be.greaterThan(0)
      const live = '{site="test",stream="live"}'
      expect(members(seen, 'gridseal_bridge_')).to.include({
        'channel_up{site="test"}': 1,
        'channel_ups_total{site="test"}': 1,
        [`sealed_batches_total${live}`]: outgoing.batches,
        [`signatures_total${live}`]: outgoing.batches,
        [`sealed_entries_total${live}`]: outgoing.entries,
        [`sealed_bytes_total${live}`]: outgoing.bytes,
        [`entries_per_signature${live}`]: outgoing.entries / outgoing.batches,
        [`opened_batches_total${live}`]: incoming.batches,
        [`opened_entries_total${live}`]: incoming.entries,
        [`refused_batches_total${live}`]: 0,
        'live_unacknowledged_batches{site="test"}': 0,
        journal_bytes: journal!.bytes,
        journal_records_total: journal!.records,
        journal_waiting_bytes: 0,
        'status{status="ok"}': 1,
        'status{status="failed"}': 0,
      })
    }
  })

  it('tells of kept traffic by its class on both sides', async () => {
    const urgent = '{site="test",stream="urgent"}'
    const field = members(await scrape(pair.field), 'gridseal_bridge_')
    const { urgent: kept } = pair.field.stats.sites[0]!.stored!.outgoing
    expect(kept).to.include({ entries: 1, sealed: 1, batches: 1 })
    expect(field).to.include({
      [`kept_entries_total${urgent}`]: 1,
      [`kept_sent_batches_total${urgent}`]: 1,
      [`kept_backlog_batches${urgent}`]: 0,
      [`kept_backlog_bytes${urgent}`]: 0,
      [`signatures_total${urgent}`]: 1,
    })
    const headEnd = members(await scrape(pair.headEnd), 'gridseal_bridge_')
    expect(headEnd).to.include({
      [`opened_batches_total${urgent}`]: 1,
      [`kept_undelivered_batches${urgent}`]: 0,
      'kept_undelivered_batches{site="test",stream="bulk"}': 0,
    })
  })

  it('has the metrics of channels and their guard, and of the process', async () => {
    const field = await scrape(pair.field)
    expect(members(field, 'gridseal_channel_')).to.include({
      sessions_active: 1,
      'sessions_total{role="initiator",resumed="false"}': 1,
    })
    const headEnd = await scrape(pair.headEnd)
    expect(members(headEnd, 'gridseal_channel_')).to.include({
      sessions_active: 1,
      guard_connections_total: 1,
      guard_established_total: 1,
      guard_failed_total: 0,
    })
    expect(members(field, 'process_')['cpu_seconds_total']).to.be.greaterThan(0)
    expect(members(field, 'nodejs_')).to.include.keys('heap_size_used_bytes')
  })

  it('counts what has been reported by level and code', async () => {
    const events = members(await scrape(pair.field), 'gridseal_bridge_events_total')
    expect(events['{level="info",code="channel.up"}']).to.equal(1)
  })

  it('gives those who ask at once the same figures, and counts nothing twice', async () => {
    const [first, second] = await Promise.all([scrape(pair.field), scrape(pair.field)])
    const third = await scrape(pair.field)
    for (const other of [second, third]) {
      expect(members(other, 'gridseal_bridge_link_')).to.deep.equal(members(first, 'gridseal_bridge_link_'))
    }
  })

  it('holds no secret and no fingerprint', async () => {
    const { text } = await scrape(pair.field)
    const { publicKey } = await readKeyFile(join(pair.folder, 'field.key'))
    expect(text).not.to.include(publicKey.fingerprintText).and.not.to.include(pair.folder)
  })

  it('is as promtool wants it', async function () {
    needOptional(this, which('promtool') !== undefined, 'needs promtool on PATH')
    for (const bridge of [pair.field, pair.headEnd]) {
      const { text } = await scrape(bridge)
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
      expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: '', stderr: '' })
    }
  })

  it('has every metric that docs/metrics.md names, with its meaning, and no other', async () => {
    const document = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8')
    const written = [...document.matchAll(/^\| `(gridseal_bridge_\w+)` +\| (\w+) +\| ([\w, ]*?) +\| (.*?) +\|$/gm)]
    expect(written.map((row) => row.slice(1))).to.deep.equal(
      BRIDGE_METRICS.map(({ name, type, labels, help }) => [name, type, labels.join(', '), help]),
    )
    const { text } = await scrape(pair.field)
    for (const { name, type, help } of BRIDGE_METRICS) {
      expect(text).to.include(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
    }
  })
})
