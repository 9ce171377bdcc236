import { UsageError } from '@gridseal/wire'
import type { ConfigProblem } from '@gridseal/bridge'
import { parseConfig } from '@gridseal/bridge'
import { expect } from 'chai'

const FIELD = `
role: field
site: substation-7
identity: field.key
channel:
  connect: tcp://head-end.example:7600
  peer: head-end.pub
links:
  - id: trips
    protocol: goose
    device: eth://eth1
    group: protection
    destinations: [01-0C-CD-01-00-01]
    appIds: [0x3001, 12290]
`

const HEAD_END = `
role: head-end
identity: head-end.key
channel:
  listen: tcp://0.0.0.0:7600
sites:
  - site: substation-7
    peer: field.pub
    links:
      - id: meter-1
        protocol: modbus
        master: tcp://127.0.0.1:1502
groups:
  - name: protection
    protocol: sv
    address: eth://eth1?promiscuous=true
    destinations: [01:0c:cd:04:00:01]
    members: [{ site: substation-7, link: trips }]
`

function problems(source: string, from: string, to: string): ConfigProblem[] {
  expect(source).to.contain(from)
  try {
    parseConfig(source.replace(from, to), 'bridge.yaml')
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'config.invalid')
    return (error as UsageError).details['problems'] as ConfigProblem[]
  }
  return []
}

describe('the configuration of Ethernet links', () => {
  it('names an interface, a group, and what of it is carried', () => {
    const field = parseConfig(FIELD, 'field.yaml')
    if (field.role !== 'field') expect.fail('a field bridge')
    expect(field.links[0]).to.deep.include({
      device: 'eth://eth1',
      group: 'protection',
      destinations: ['01-0C-CD-01-00-01'],
      appIds: [0x3001, 0x3002],
    })
    const headEnd = parseConfig(HEAD_END, 'head-end.yaml')
    if (headEnd.role !== 'head-end') expect.fail('a head-end bridge')
    expect(headEnd.groups[0]).to.deep.include({ protocol: 'sv', address: 'eth://eth1?promiscuous=true' })
  })

  const wrong: readonly (readonly [string, string, string, string, Partial<ConfigProblem>])[] = [
    [
      'no group: the key would be nobody’s',
      FIELD,
      '    group: protection\n',
      '',
      { line: 9, key: 'links[0].group', message: 'missing: multicast is carried under the key of a group' },
    ],
    [
      'a protocol without an EtherType',
      FIELD,
      'protocol: goose',
      'protocol: dnp3',
      { line: 11, key: 'links[0].device', message: 'not for dnp3: eth:// is for goose and sv' },
    ],
    [
      'GOOSE over a stream, where its frames have no borders',
      FIELD,
      'device: eth://eth1\n    group: protection\n    destinations: [01-0C-CD-01-00-01]\n    appIds: [0x3001, 12290]',
      'device: tcp://10.0.0.5:102',
      { line: 11, key: 'links[0].device', message: 'goose: allowed: eth://, udp://' },
    ],
    [
      'an address that is no MAC address',
      FIELD,
      '01-0C-CD-01-00-01',
      '01-0C-CD',
      {
        line: 13,
        key: 'links[0].destinations[0]',
        message: 'iec61850.mac: "01-0C-CD" is no MAC address, such as 01-0C-CD-01-00-01',
      },
    ],
    ['an APPID of more than 16 bits', FIELD, '12290', '0x10000', { line: 14, key: 'links[0].appIds[1]' }],
    [
      'an address of an interface, as UDP has it',
      FIELD,
      'group: protection',
      'group: protection\n    interface: 10.0.0.7',
      { line: 13, key: 'links[0].interface', message: 'not for eth://, which names its interface itself' },
    ],
    [
      'a filter of frames where there are none',
      FIELD,
      'protocol: goose\n    device: eth://eth1',
      'protocol: raw\n    device: udp://239.1.2.3:5000',
      { line: 13, key: 'links[0].destinations', message: 'only for eth://' },
    ],
    [
      'keeping what is worth nothing later',
      FIELD,
      'group: protection',
      'group: protection\n    store: urgent',
      { key: 'links[0].store' },
    ],
    [
      'a group of another protocol on Ethernet',
      HEAD_END,
      'protocol: sv',
      'protocol: raw',
      { line: 16, key: 'groups[0].address', message: 'not for raw: eth:// is for goose and sv' },
    ],
    [
      'a filter of a group that is on no Ethernet',
      HEAD_END,
      '    address: eth://eth1?promiscuous=true\n',
      '',
      { line: 16, key: 'groups[0].destinations', message: 'only for eth://' },
    ],
    [
      'R-GOOSE on an interface, where it has no IP address',
      FIELD,
      'group: protection',
      'group: protection\n    framing: routable',
      { line: 13, key: 'links[0].framing' },
    ],
    [
      'a framing of a group that its protocol does not have',
      HEAD_END,
      'protocol: sv',
      'protocol: sv\n    framing: tcp',
      { line: 16, key: 'groups[0].framing', message: 'allowed for sv: ethernet, routable' },
    ],
    [
      'masters on Ethernet: a group has none',
      HEAD_END,
      'master: tcp://127.0.0.1:1502',
      'master: eth://eth1',
      { line: 12, key: 'sites[0].links[0].master', message: 'allowed: tcp://, udp://, serial://' },
    ],
  ]
  for (const [what, source, from, to, problem] of wrong) {
    it(`refuses ${what}`, () => {
      const found = problems(source, from, to)
      expect(
        found.some((one) => Object.entries(problem).every(([key, value]) => one[key as keyof ConfigProblem] === value)),
        JSON.stringify(found),
      ).to.equal(true)
    })
  }
})
