import { FLOWS, PARITIES, formatEndpoint, parseEndpoint } from '@gridseal/transport'
import type { Endpoint } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import fc from 'fast-check'
import { codeOf } from './support/collect.ts'

const SERIAL = { kind: 'serial', dataBits: 8, parity: 'none', stopBits: 1, flow: 'none' } as const

describe('endpoint URLs', () => {
  const good: readonly (readonly [string, Endpoint])[] = [
    ['tcp://127.0.0.1:502', { kind: 'tcp', host: '127.0.0.1', port: 502 }],
    ['tcp://meter-7.example:20000/', { kind: 'tcp', host: 'meter-7.example', port: 20000 }],
    ['TCP://[2001:db8::1]:502', { kind: 'tcp', host: '2001:db8::1', port: 502 }],
    ['tcp://[fe80::1%eth0]:502', { kind: 'tcp', host: 'fe80::1%eth0', port: 502 }],
    ['tcp://0.0.0.0:0', { kind: 'tcp', host: '0.0.0.0', port: 0 }],
    ['udp://10.0.0.255:20000', { kind: 'udp', host: '10.0.0.255', port: 20000 }],
    ['serial:///dev/ttyUSB0', { ...SERIAL, path: '/dev/ttyUSB0', baud: 9600 }],
    ['serial://COM3?baud=19200', { ...SERIAL, path: 'COM3', baud: 19200 }],
    [
      'serial:///dev/ttyS1?baud=300&dataBits=7&parity=even&stopBits=2&flow=hardware',
      { kind: 'serial', path: '/dev/ttyS1', baud: 300, dataBits: 7, parity: 'even', stopBits: 2, flow: 'hardware' },
    ],
    [
      'serial:///dev/ttyS1?rs485=rts&rs485Delay=2&echo=true&gap=40&shared=500',
      { ...SERIAL, path: '/dev/ttyS1', baud: 9600, rs485: 'rts', rs485Delay: 2, echo: true, gap: 40, shared: 500 },
    ],
    ['memory://test', { kind: 'memory', name: 'test' }],
    ['eth://eth1', { kind: 'eth', interface: 'eth1' }],
    ['eth://enp3s0.100?promiscuous=true', { kind: 'eth', interface: 'enp3s0.100', promiscuous: true }],
    ['eth://br-lan?promiscuous=false', { kind: 'eth', interface: 'br-lan' }],
  ]
  for (const [url, endpoint] of good) {
    it(`reads ${url}`, () => expect(parseEndpoint(url)).to.deep.equal(endpoint))
  }

  const bad: readonly (readonly [string, string])[] = [
    ['', 'form'],
    ['127.0.0.1:502', 'form'],
    ['tcp:/127.0.0.1:502', 'form'],
    ['http://a:80', 'scheme'],
    ['ftp://a:21', 'scheme'],
    ['tcp://', 'host'],
    ['tcp://:502', 'host'],
    ['tcp://a', 'host'],
    ['tcp://a:', 'host'],
    ['tcp://a:b', 'host'],
    ['tcp://a:-1', 'host'],
    ['tcp://a b:1', 'host'],
    ['tcp://user@a:1', 'host'],
    ['tcp://a:1/path', 'host'],
    ['tcp://a:1?x=1', 'host'],
    ['tcp://::1:502', 'host'],
    ['tcp://[::1]', 'host'],
    ['tcp://[10.0.0.1]:502', 'host'],
    ['tcp://[::g]:502', 'host'],
    ['tcp://a:65536', 'port'],
    ['tcp://a:99999', 'port'],
    ['serial://', 'path'],
    ['serial://?baud=9600', 'path'],
    ['serial:///dev/x?baud=', 'query'],
    ['serial:///dev/x?baud=0', 'query'],
    ['serial:///dev/x?baud=9600.5', 'query'],
    ['serial:///dev/x?baud=99999999', 'query'],
    ['serial:///dev/x?dataBits=9', 'query'],
    ['serial:///dev/x?parity=Even', 'query'],
    ['serial:///dev/x?stopBits=3', 'query'],
    ['serial:///dev/x?flow=yes', 'query'],
    ['serial:///dev/x?speed=9600', 'query'],
    ['serial:///dev/x?toString=1', 'query'],
    ['serial:///dev/x?baud=9600&baud=9600', 'query'],
    ['serial:///dev/x?rs485=yes', 'query'],
    ['serial:///dev/x?rs485=rts&flow=hardware', 'query'],
    ['serial:///dev/x?gap=0', 'query'],
    ['serial:///dev/x?shared=1.5', 'query'],
    ['memory://', 'name'],
    ['eth://', 'interface'],
    ['eth://a/b', 'interface'],
    ['eth://..', 'interface'],
    ['eth://sixteen-letters-', 'interface'],
    ['eth://eth1?vlan=3', 'query'],
    ['eth://eth1?promiscuous=yes', 'query'],
    ['eth://eth1?promiscuous=true?', 'query'],
  ]
  for (const [url, part] of bad) {
    it(`refuses ${url || 'nothing'}: ${part}`, () => {
      expect(() => parseEndpoint(url)).to.throw(UsageError)
      expect(codeOf(() => parseEndpoint(url))).to.equal(`transport.url.${part}`)
    })
  }

  it('come back as they were', () => {
    const host = fc.oneof(fc.ipV4(), fc.domain(), fc.constantFrom('::1', 'fe80::7', '2001:db8:1::2'))
    const port = fc.integer({ min: 0, max: 65535 })
    const endpoint: fc.Arbitrary<Endpoint> = fc.oneof(
      fc.record({ kind: fc.constantFrom('tcp', 'udp'), host, port }) as fc.Arbitrary<Endpoint>,
      fc.record({
        kind: fc.constant('serial'),
        path: fc.constantFrom('/dev/ttyUSB0', '/dev/serial/by-id/usb-FTDI_x-if00', 'COM12'),
        baud: fc.integer({ min: 50, max: 4_000_000 }),
        dataBits: fc.constantFrom(5, 6, 7, 8),
        parity: fc.constantFrom(...PARITIES),
        stopBits: fc.constantFrom(1, 1.5, 2),
        flow: fc.constantFrom(...FLOWS),
      }) as fc.Arbitrary<Endpoint>,
      fc.record({ kind: fc.constant('memory'), name: fc.constantFrom('a', 'meter 7') }) as fc.Arbitrary<Endpoint>,
    )
    fc.assert(
      fc.property(endpoint, (e) => {
        expect(parseEndpoint(formatEndpoint(e))).to.deep.equal(e)
      }),
    )
  })

  it('never makes anything but a UsageError of other text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom('tcp', 'udp', 'serial', 'tls'), fc.string()).map(([scheme, s]) => `${scheme}://${s}`),
    )
    fc.assert(
      fc.property(text, (s) => {
        try {
          parseEndpoint(s)
        } catch (error) {
          expect(error).to.be.instanceOf(UsageError)
        }
      }),
    )
  })
})
