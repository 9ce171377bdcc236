import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '@gridseal/wire'
import type { ConfigProblem } from '@gridseal/bridge'
import { loadConfig, parseConfig } from '@gridseal/bridge'
import { expect } from 'chai'
import { ROOT } from '../../../../test/support/requirements.ts'

const FIELD = `
role: field
site: substation-7
identity: keys/field.key
channel:
  connect: tcp://head-end.example:7600
  peer: keys/head-end.pub
links:
  - id: meter-1
    protocol: modbus
    device: tcp://10.0.0.5:502
  - id: line-1
    protocol: modbus
    framing: rtu
    device: serial:///dev/ttyUSB0?baud=9600&parity=even
    maxAge: 2s
    policy:
      allow: [read]
      onDeny: close
`

const HEAD_END = `
role: head-end
identity: keys/head-end.key
channel:
  listen: tcp://0.0.0.0:7600
  allow: [10.0.0.0/8]
journal:
  directory: /var/lib/gridseal/journal
  maxSegment: 16MiB
sites:
  - site: substation-7
    peer: keys/substation-7.pub
    links:
      - id: meter-1
        protocol: modbus
        master: tcp://127.0.0.1:1502
`

function problems(source: string): ConfigProblem[] {
  try {
    parseConfig(source, 'bridge.yaml')
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'config.invalid')
    return (error as UsageError).details['problems'] as ConfigProblem[]
  }
  return []
}

describe('the configuration', () => {
  it('of a field bridge is taken, with every default filled in', () => {
    const config = parseConfig(FIELD, 'bridge.yaml')
    if (config.role !== 'field') expect.fail('a field bridge')
    expect(config.links[0]).to.deep.include({ maxAge: 10_000, keepInvalid: false, window: 1 << 20, silence: 50 })
    expect(config.links[1]).to.deep.include({ maxAge: 2000, policy: { allow: ['read'], deny: [], onDeny: 'close' } })
    expect(config.limits).to.deep.equal({
      batchEntries: 1024,
      batchBytes: 1 << 20,
      batchDelay: 0,
      unacknowledged: 8 << 20,
    })
    expect(config.channel).to.deep.include({ holdConnections: 5000, handshakeTimeout: 10_000 })
  })

  it('of a head-end bridge is taken', () => {
    const config = parseConfig(HEAD_END, 'bridge.yaml')
    expect(config.role).to.equal('head-end')
    expect(config.journal).to.deep.equal({
      directory: '/var/lib/gridseal/journal',
      sync: true,
      maxSegment: 16 << 20,
      maxSegmentAge: 86_400_000,
    })
  })

  const wrong: readonly (readonly [string, string, string, ConfigProblem])[] = [
    ['an unknown role', 'role: field', 'role: middle', { line: 2, key: 'role', message: 'allowed: field, head-end' }],
    [
      'an unknown key',
      'site: substation-7',
      'site: substation-7\nsiet: x',
      { line: 4, key: 'siet', message: 'unknown key' },
    ],
    [
      'an unknown protocol',
      'protocol: modbus\n    device: tcp',
      'protocol: profibus\n    device: tcp',
      { line: 10, key: 'links[0].protocol', message: 'allowed: modbus, dnp3, goose, sv, raw' },
    ],
    [
      'a URL of a scheme that fits nowhere',
      'device: tcp://10.0.0.5:502',
      'device: memory://x',
      { line: 11, key: 'links[0].device', message: 'allowed: tcp://, udp://, serial://, eth://' },
    ],
    [
      'a duration without a unit that exists',
      'maxAge: 2s',
      'maxAge: 2 weeks',
      {
        line: 16,
        key: 'links[1].maxAge',
        message: 'config.duration: "2 weeks" is no duration: write 500ms, 20s, 5m, 2h or 1d',
      },
    ],
    [
      'text that YAML takes for an alias',
      'device: tcp://10.0.0.5:502',
      'device: *:502',
      {
        line: 11,
        key: 'links[0].device',
        message: 'there is no &:502 before *:502; text that begins with * is quoted: "*:502"',
      },
    ],
    [
      'an operation that does not exist',
      'allow: [read]',
      'allow: [peek]',
      {
        line: 18,
        key: 'links[1].policy.allow[0]',
        message: 'allowed: read, write, control, time, file, auth, manage, event, response, unknown',
      },
    ],
    [
      'a rule that its protocol does not know',
      'allow: [read]',
      'rules: [{ unit: 1 }]',
      {
        line: 18,
        key: 'links[1].policy.rules',
        message: 'rule 1: unit: unknown key; there are units, functions, addresses',
      },
    ],
    [
      'a framing of another protocol',
      'framing: rtu',
      'framing: hdlc',
      { line: 14, key: 'links[1].framing', message: 'allowed for modbus: tcp, rtu, ascii' },
    ],
    [
      'a doubled link',
      'id: line-1',
      'id: meter-1',
      { line: 12, key: 'links[1].id', message: '"meter-1" is there already' },
    ],
  ]
  for (const [what, from, to, problem] of wrong) {
    it(`names file, line and key of ${what}`, () => {
      expect(FIELD).to.contain(from)
      expect(problems(FIELD.replace(from, to))).to.deep.equal([problem])
    })
  }

  it('refuses segments that would be a file for each batch', () => {
    const age = HEAD_END.replace('maxSegment: 16MiB', 'maxSegmentAge: 0s')
    expect(problems(HEAD_END.replace('16MiB', '0B'))).to.deep.equal([
      { line: 9, key: 'journal.maxSegment', message: 'at least 65536' },
    ])
    expect(problems(age)).to.deep.equal([{ line: 9, key: 'journal.maxSegmentAge', message: 'at least 1s' }])
  })

  it('names the parent of a key that is missing', () => {
    const [problem] = problems(FIELD.replace('  peer: keys/head-end.pub\n', ''))
    expect(problem).to.deep.include({ line: 5, key: 'channel.peer' })
    expect(problem?.message).to.match(/^missing/)
  })

  it('names all problems at once, and where YAML itself is broken', () => {
    const both = FIELD.replace('role: field', 'role: field\nextra: 1').replace(
      'protocol: modbus\n    framing',
      'protocol: x\n    framing',
    )
    expect(problems(both).map(({ key }) => key)).to.have.members(['extra', 'links[1].protocol'])
    expect(problems('role: [field')[0]).to.deep.include({ line: 1, key: '' })
    expect(problems('')[0]?.line).to.be.a('number')
  })

  it('refuses a few aliases that stand for very many values', () => {
    const twice = (name: string, of: string): string => `${name}: &${name} [${Array(20).fill(of).join(', ')}]\n`
    const source = twice('a', 'x') + twice('b', '*a') + twice('c', '*b') + twice('d', '*c')
    expect(problems(source)[0]?.message).to.match(/^too many aliases/)
  })

  it('of every example in docs is taken', async () => {
    const folder = join(ROOT, 'docs/examples')
    const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
    expect(files).to.include.members(['field.yaml', 'field-x509.yaml', 'head-end.yaml'])
    for (const file of files) expect((await loadConfig(join(folder, file))).config.role).to.match(/^(field|head-end)$/)
  })

  it('says which file cannot be read', async () => {
    const error = await loadConfig('/nowhere/bridge.yaml').catch((e: unknown) => e)
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'config.read')
    expect(String(error)).to.contain('/nowhere/bridge.yaml')
  })

  it('takes channels over every kind of way, and limits of who comes in', () => {
    const field = (channel: string): string => FIELD.replace('  connect: tcp://head-end.example:7600', channel)
    const connectOf = (channel: string): unknown => parseConfig(field(channel), 'f').channel
    for (const url of ['udp://h:1', 'ws://h:1/grid', 'wss://h:1', 'serial:///dev/ttyS0?baud=19200']) {
      expect(connectOf(`  connect: ${url}`)).to.deep.include({ connect: [url], use: 'failover' })
    }
    const two = '  connect: [udp://h:1, udp://i:1]\n  use: redundant\n  mtu: 600\n  rekeyInterval: 1s'
    expect(connectOf(two)).to.deep.include({
      connect: ['udp://h:1', 'udp://i:1'],
      use: 'redundant',
      mtu: 600,
      rekeyInterval: 1000,
      keepAlive: 15_000,
      idleTimeout: 60_000,
    })
    const listen =
      '  listen: [tcp://0.0.0.0:1, udp://0.0.0.0:1, ws://0.0.0.0:2/grid]\n  helloTimeout: 2s\n  guard: { halfOpen: 7 }'
    const { channel } = parseConfig(HEAD_END.replace('  listen: tcp://0.0.0.0:7600', listen), 'f')
    expect(channel).to.deep.include({ helloTimeout: 2000 })
    expect('guard' in channel && channel.guard).to.deep.equal({ halfOpen: 7 })
  })

  it('refuses ways that do not fit together, and limits that are none', () => {
    const field = (channel: string): ConfigProblem[] =>
      problems(FIELD.replace('  connect: tcp://head-end.example:7600', channel))
    const headEnd = (channel: string): ConfigProblem[] =>
      problems(HEAD_END.replace('  listen: tcp://0.0.0.0:7600', channel))
    expect(field('  connect: [tcp://h:1, udp://h:1]')[0]).to.deep.include({
      key: 'channel.connect',
      message: 'several paths: allowed: udp://',
    })
    expect(field('  connect: [udp://h:1, udp://h:1]')[0]?.message).to.equal('a URL is there twice')
    expect(field('  connect: memory://h')[0]?.key).to.match(/^channel\.connect/)
    expect(headEnd('  listen: wss://0.0.0.0:1')[0]?.key).to.match(/^channel\.listen/)
    expect(headEnd('  listen: []')[0]?.key).to.match(/^channel\.listen/)
    expect(headEnd('  listen: tcp://0.0.0.0:1\n  guard: { halfOpen: 0 }')[0]?.key).to.equal('channel.guard.halfOpen')
    expect(headEnd('  listen: tcp://0.0.0.0:1\n  guard: { nonsense: 1 }')[0]?.message).to.equal('unknown key')
    expect(field('  connect: udp://h:1\n  mtu: 100')[0]?.key).to.equal('channel.mtu')
    expect(field('  connect: udp://h:1\n  rekeyInterval: 2d')[0]?.message).to.equal('at most a day')
  })
})
