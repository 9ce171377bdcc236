import { expect } from 'chai'
import { Packet } from '@gridseal/pcap'
import { Cursor } from '#src/walk/cursor.ts'
import { FlowTable, OWN, ROW } from '#src/walk/flow-table.ts'

/** A cursor on a packet between two IPv4 hosts, or IPv6 hosts whose addresses differ in their last word only. */
function between(source: number, destination: number, isIpv6 = false): Cursor {
  const cursor = new Cursor()
  cursor.load(Packet.of({ number: 1, time: 0n, linkType: 1, bytes: new Uint8Array(0) }), [])
  cursor.isIpv6 = isIpv6
  cursor.source[isIpv6 ? 3 : 0] = source
  cursor.destination[isIpv6 ? 3 : 0] = destination
  return cursor
}

/** A table whose owner keeps one number with each flow. */
class Numbers extends FlowTable {
  static with(limit = 100_000, evicted: (number: number) => void = () => {}): Numbers {
    const flows: Numbers = new Numbers(limit, 12345, (row) => evicted(flows.words[row + OWN]!))
    return flows
  }

  get all(): number[] {
    return Array.from({ length: this.size }, (_, number) => this.words[number * ROW + OWN]!)
  }

  put(c: Cursor, sourcePort: number, destinationPort: number, number: number): void {
    const row = this.find(c, sourcePort, destinationPort)
    this.words[row + OWN] = number
  }

  get(c: Cursor, sourcePort: number, destinationPort: number): number {
    const row = this.find(c, sourcePort, destinationPort)
    return this.words[row + OWN]!
  }
}

describe('the flow table', () => {
  it('finds the same flow in both directions and tells which, and whether it is new', () => {
    const flows = Numbers.with()
    const row = flows.find(between(1, 2), 1000, 502)
    expect([flows.fromA, flows.isNew]).to.deep.equal([true, true])
    expect(flows.find(between(2, 1), 502, 1000)).to.equal(row)
    expect([flows.fromA, flows.isNew]).to.deep.equal([false, false])
    expect(flows.find(between(1, 2), 1000, 502)).to.equal(row)
    expect([flows.fromA, flows.isNew]).to.deep.equal([true, false])
  })

  it('tells flows apart by each address, each word of it, each port and the version of IP', () => {
    const flows = Numbers.with()
    const found = [
      flows.find(between(1, 2), 3, 4),
      flows.find(between(5, 2), 3, 4),
      flows.find(between(1, 5), 3, 4),
      flows.find(between(1, 2), 5, 4),
      flows.find(between(1, 2), 3, 5),
      flows.find(between(1, 2), 4, 3),
      flows.find(between(0, 0), 3, 4),
      flows.find(between(0, 0, true), 3, 4),
    ]
    for (const word of [0, 1, 2, 3]) {
      const [one, other] = [between(1, 2, true), between(1, 2, true)]
      one.source[word] = 7
      other.destination[word] = 7
      found.push(flows.find(one, 3, 4), flows.find(other, 3, 4))
    }
    expect(new Set(found).size).to.equal(found.length)
  })

  it('finds flows of IPv6 in both directions, also when the table grows between them', () => {
    const flows = Numbers.with()
    for (let host = 0; host < 300; host++) {
      if (host % 3 === 0) flows.put(between(host, 1000), 1, 2, host)
      flows.put(between(host, 1000, true), 1, 2, host + 1000)
    }
    for (let host = 0; host < 300; host++) {
      expect(flows.get(between(1000, host, true), 2, 1)).to.equal(host + 1000)
      expect([flows.fromA, flows.isNew]).to.deep.equal([false, false])
      if (host % 3 === 0) expect(flows.get(between(1000, host), 2, 1)).to.equal(host)
    }
  })

  it('finds every one of many flows again', () => {
    const flows = Numbers.with()
    for (let port = 0; port < 20_000; port++) flows.put(between(1, 2), port, 502, port)
    for (let port = 0; port < 20_000; port++) expect(flows.get(between(2, 1), 502, port)).to.equal(port)
    expect(flows.size).to.equal(20_000)
  })

  it('lets the least recently used go, and keeps finding all others', () => {
    const gone: number[] = []
    const flows = Numbers.with(100, (port) => gone.push(port))
    for (let port = 0; port < 1000; port++) {
      flows.put(between(1, 2), port, 502, port)
      // One connection that is always busy.
      flows.put(between(9, 2), 9, 502, 9999)
    }
    expect(flows.size).to.equal(100)
    expect(gone).to.have.length(901)
    expect(flows.get(between(9, 2), 9, 502)).to.equal(9999)
    const kept = flows.all
    expect(kept.filter((port) => port >= 800)).to.have.length.greaterThan(90)
    expect(new Set([...gone, ...kept]).size).to.equal(1001)
    for (const port of kept.filter((number) => number < 1000)) {
      expect(flows.get(between(2, 1), 502, port)).to.equal(port)
      expect(flows.isNew).to.equal(false)
    }
  })

  it('gives a new flow words of its own that are 0, whoever had them before', () => {
    const flows = Numbers.with(2)
    for (let port = 0; port < 5; port++) {
      const row = flows.find(between(1, 2), port, 502)
      expect([...flows.words.subarray(row + OWN, row + ROW)].every((word) => word === 0)).to.equal(true)
      flows.words.fill(-1, row + OWN, row + ROW)
    }
  })
})
