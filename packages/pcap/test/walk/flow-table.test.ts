import { expect } from 'chai'
import { Packet } from '@gridseal/pcap'
import { Cursor } from '#src/walk/cursor.ts'
import { FlowTable } from '#src/walk/flow-table.ts'
import type { Flow } from '#src/walk/flow-table.ts'

/** A cursor on a packet between two IPv4 hosts, or IPv6 hosts whose addresses differ in their last word only. */
function between(source: number, destination: number, isIpv6 = false): Cursor {
  const cursor = new Cursor()
  cursor.load(Packet.of({ number: 1, time: 0n, linkType: 1, bytes: new Uint8Array(0) }), [])
  cursor.isIpv6 = isIpv6
  cursor.source[isIpv6 ? 3 : 0] = source
  cursor.destination[isIpv6 ? 3 : 0] = destination
  return cursor
}

const table = (limit = 100_000, evicted: (flow: Flow<number>) => void = () => {}): FlowTable<number> =>
  new FlowTable<number>(limit, 12345, evicted)

describe('the flow table', () => {
  it('finds the same flow in both directions and tells which', () => {
    const flows = table()
    const flow = flows.find(between(1, 2), 1000, 502)
    expect(flows.fromA).to.equal(true)
    expect(flows.find(between(2, 1), 502, 1000)).to.equal(flow)
    expect(flows.fromA).to.equal(false)
    expect(flows.find(between(1, 2), 1000, 502)).to.equal(flow)
    expect(flows.fromA).to.equal(true)
    expect([flow.a.text, flow.b.text]).to.deep.equal(['0.0.0.1:1000', '0.0.0.2:502'])
  })

  it('tells flows apart by each address, each port and the version of IP', () => {
    const flows = table()
    const found = [
      flows.find(between(1, 2), 3, 4),
      flows.find(between(5, 2), 3, 4),
      flows.find(between(1, 5), 3, 4),
      flows.find(between(1, 2), 5, 4),
      flows.find(between(1, 2), 3, 5),
      flows.find(between(1, 2), 4, 3),
      flows.find(between(1, 2, true), 3, 4),
      flows.find(between(5, 2, true), 3, 4),
    ]
    expect(new Set(found).size).to.equal(found.length)
  })

  it('finds every one of many flows again', () => {
    const flows = table()
    for (let port = 0; port < 20_000; port++) flows.find(between(1, 2), port, 502).state = port
    for (let port = 0; port < 20_000; port++) expect(flows.find(between(2, 1), 502, port).state).to.equal(port)
    expect(flows.flows).to.have.length(20_000)
  })

  it('lets the least recently used go, and keeps finding all others', () => {
    const gone: number[] = []
    const flows = table(100, (flow) => gone.push(flow.a.port))
    for (let port = 0; port < 1000; port++) {
      flows.find(between(1, 2), port, 502).state = port
      // One connection that is always busy.
      flows.find(between(9, 2), 9, 502).state = 9
    }
    expect(flows.flows).to.have.length(100)
    expect(gone).to.have.length(901)
    expect(flows.find(between(9, 2), 9, 502).state).to.equal(9)
    const kept = flows.flows.map((flow) => flow.a.port)
    expect(kept.filter((port) => port >= 800)).to.have.length.greaterThan(90)
    expect(new Set([...gone, ...kept]).size).to.equal(1000)
  })
})
