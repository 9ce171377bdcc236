import { BlockList, isIPv4 } from 'node:net'
import { AllowList } from '@gridseal/transport'
import { expect } from 'chai'
import fc from 'fast-check'
import { codeOf } from './support/collect.ts'

describe('the allow-list', () => {
  it('admits networks and single addresses, and nothing else', () => {
    const list = new AllowList(['10.1.0.0/16', '192.168.7.9', '2001:db8:8000::/33', '::1'])
    const verdicts = Object.fromEntries(
      [
        '10.1.0.0',
        '10.1.255.255',
        '10.2.0.0',
        '10.0.255.255',
        '192.168.7.9',
        '192.168.7.8',
        '2001:db8:8000::1',
        '2001:db8:ffff::',
        '2001:db8:7fff::1',
        '::1',
        '::2',
      ].map((address) => [address, list.admits(address)]),
    )
    expect(verdicts).to.deep.equal({
      '10.1.0.0': true,
      '10.1.255.255': true,
      '10.2.0.0': false,
      '10.0.255.255': false,
      '192.168.7.9': true,
      '192.168.7.8': false,
      '2001:db8:8000::1': true,
      '2001:db8:ffff::': true,
      '2001:db8:7fff::1': false,
      '::1': true,
      '::2': false,
    })
  })

  it('knows an IPv4 address in IPv6 clothes (RFC 4291 2.5.5.2)', () => {
    const list = new AllowList(['10.1.0.0/16'])
    expect(list.admits('::ffff:10.1.2.3')).to.equal(true)
    expect(list.admits('::FFFF:0A01:0203')).to.equal(true)
    expect(list.admits('::ffff:10.2.2.3')).to.equal(false)
    // The deprecated IPv4-compatible form is an IPv6 address of its own.
    expect(list.admits('::10.1.2.3')).to.equal(false)
    expect(new AllowList(['::ffff:10.1.0.0/112']).admits('10.1.9.9')).to.equal(true)
  })

  it('keeps 0.0.0.0/0 to IPv4; ::/0 is everything', () => {
    expect(new AllowList(['0.0.0.0/0']).admits('203.0.113.7')).to.equal(true)
    expect(new AllowList(['0.0.0.0/0']).admits('2001:db8::1')).to.equal(false)
    for (const address of ['203.0.113.7', '2001:db8::1']) {
      expect(new AllowList(['::/0']).admits(address)).to.equal(true)
    }
  })

  it('looks past the zone of a link-local address', () => {
    expect(new AllowList(['fe80::/10']).admits('fe80::1%eth0')).to.equal(true)
  })

  it('admits nobody when empty, and nothing that is no address', () => {
    expect(new AllowList([]).admits('127.0.0.1')).to.equal(false)
    for (const text of ['', 'localhost', '10.1', '10.0.0.256']) {
      expect(new AllowList(['::/0']).admits(text)).to.equal(false)
    }
  })

  for (const text of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::/129',
    '1.2.3/24',
  ]) {
    it(`refuses "${text}"`, () => expect(codeOf(() => new AllowList([text]))).to.equal('transport.allow'))
  }

  for (const text of ['10.1.0.1/16', '10.128.0.0/8', '2001:db8::1/64', '10.0.0.1/0']) {
    it(`refuses ${text}, which has bits right of its prefix`, () => {
      expect(() => new AllowList([text])).to.throw('right of its prefix')
    })
  }

  it('agrees with the block list of Node.js', () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    )
    fc.assert(
      fc.property(network, fc.oneof(fc.ipV4(), fc.ipV6()), ([base, prefix], address) => {
        const oracle = new BlockList()
        oracle.addSubnet(base, prefix, isIPv4(base) ? 'ipv4' : 'ipv6')
        const cidr = masked(base, prefix)
        fc.pre(cidr !== undefined)
        const candidates = [address, base]
        const list = new AllowList([cidr ?? ''])
        for (const candidate of candidates) {
          const family = isIPv4(candidate) ? 'ipv4' : 'ipv6'
          expect(list.admits(candidate), `${candidate} in ${cidr}`).to.equal(oracle.check(candidate, family))
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** The network of an address, as text; IPv6 through the URL parser, which knows how to write it. */
function masked(address: string, prefix: number): string | undefined {
  if (isIPv4(address)) {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    const network = prefix === 0 ? 0 : (value & (-1 << (32 - prefix))) >>> 0
    return `${[24, 16, 8, 0].map((shift) => (network >>> shift) & 0xff).join('.')}/${prefix}`
  }
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
  const network = prefix === 0 ? 0n : value & (((1n << BigInt(prefix)) - 1n) << BigInt(128 - prefix))
  const parts = Array.from({ length: 8 }, (_, i) => ((network >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return `${parts.join(':')}/${prefix}`
}
