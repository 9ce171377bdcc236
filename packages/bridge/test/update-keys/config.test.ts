import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linkReadings, loadConfig, parseConfig } from '@gridseal/bridge'
import { LINK, encodeLinkFrame } from '@gridseal/dnp3'
import { UsageError, fromHex } from '@gridseal/wire'
import { expect } from 'chai'

const field = (link: string): string => `
role: field
site: substation-7
identity: keys/field.key
channel: { connect: 'tcp://head-end.example:7600', peer: keys/head-end.pub }
links:
  - id: rtu
${link}
`
const INSTALL = `
    protocol: dnp3
    device: tcp://10.0.0.5:20000
    points: rtu.csv
    updateKeys:
      - user: bob
        install: { outstation: RTU 7, authority: authority.key, remote: 10 }
      - { user: eve, file: eve.json }
`

function problem(source: string): unknown {
  try {
    parseConfig(source, 'bridge.yaml')
  } catch (error) {
    const { details } = error as UsageError
    return (details['problems'] as { key: string; message: string }[]).map(({ key, message }) => `${key}: ${message}`)
  }
  return undefined
}

describe('the configuration of DNP3 links', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-config-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('update keys have their defaults, and paths that go by the file', async () => {
    await writeFile(join(folder, 'field.yaml'), field(INSTALL))
    const { config } = await loadConfig(join(folder, 'field.yaml'))
    if (config.role !== 'field') expect.fail('a field bridge')
    expect(config.links[0]?.points).to.equal(join(folder, 'rtu.csv'))
    expect(config.links[0]?.updateKeys).to.deep.equal([
      {
        user: 'bob',
        number: 1,
        install: {
          outstation: 'RTU 7',
          authority: join(folder, 'authority.key'),
          local: 1,
          remote: 10,
          timeout: 10_000,
        },
      },
      { user: 'eve', number: 1, file: join(folder, 'eve.json') },
    ])
  })

  it('names what cannot be: another protocol, a device without connections, a user twice, two ways or none', () => {
    expect(problem(field(INSTALL))).to.equal(undefined)
    const changed = (from: string, to: string): unknown => problem(field(INSTALL.replace(from, to)))
    expect(changed('protocol: dnp3', 'protocol: modbus')).to.deep.equal([
      'links[0].points: modbus has no files that name points',
      'links[0].updateKeys: only for dnp3',
    ])
    expect(changed('tcp://10.0.0.5:20000', 'serial:///dev/ttyS0?baud=9600')).to.deep.equal([
      'links[0].updateKeys: install is for tcp devices; use file',
    ])
    expect(changed('user: eve', 'user: bob')).to.deep.equal(['links[0].updateKeys: a user is there twice'])
    const either = 'links[0].updateKeys[1]: either install or file is needed'
    expect(changed('user: eve, file: eve.json', 'user: eve')).to.deep.equal([either])
  })

  it('readings of a link have the names of its file', async () => {
    const points = join(folder, 'rtu.csv')
    await writeFile(points, 'kind,index,name\nanalog-input,12,Voltage L1\n')
    const bytes = encodeLinkFrame({
      fromMaster: false,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: LINK.UNCONFIRMED_USER_DATA,
      destination: 1,
      source: 10,
      user: fromHex('c0 c0 81 0000 1e02 00 0c 0c 01 1900'),
    })
    const frame = { link: 'rtu', connection: 1, direction: 'to-master', time: 0n, bytes } as const
    const named = await linkReadings({ protocol: 'dnp3', points })
    expect(named.push(frame).map(({ point, value }) => [point, value])).to.deep.equal([['Voltage L1', 25]])
    const plain = await linkReadings({ protocol: 'dnp3' })
    expect(plain.push(frame).map(({ point }) => point)).to.deep.equal(['g30/12'])
    const missing = await linkReadings({ protocol: 'dnp3', points: join(folder, 'none.csv') }).catch((e: unknown) => e)
    expect(missing).to.be.instanceOf(UsageError).with.property('code', 'config.points')
  })
})
