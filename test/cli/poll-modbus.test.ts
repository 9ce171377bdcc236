import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { RunningCli, gridseal, records } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'

const MAP = `
classes: { fast: 100ms }
points:
  - { name: Voltage, address: 0, type: float32, order: CDAB, unit: V, initial: 230.5 }
  - { name: Setpoint, address: 10, scale: 0.1, unit: kW, initial: 4.5 }
  - { name: Breaker, table: co, address: 0, initial: true }
`

describe('gridseal poll modbus, against gridseal simulate modbus', () => {
  let device: RunningCli | undefined
  const simulate = async (...args: string[]): Promise<string> => {
    device = new RunningCli('simulate', 'modbus', '--listen', 'tcp://127.0.0.1:0', ...args)
    return device.line((line) => /^ready (\S+)$/.exec(line)?.[1])
  }
  const poll = (url: string, ...args: string[]): ReturnType<typeof gridseal> =>
    gridseal('poll', 'modbus', '--connect', url, '--json', ...args)
  afterEach(async () => {
    await device?.stop()
    device = undefined
  })

  it('reads registers by name and tells what the device is', async () => {
    const url = await simulate('--unit', '1,7')
    const result = await poll(
      url,
      '--unit',
      '7',
      '--identify',
      '--read',
      'hr/40007..40008',
      '--read',
      'co/00001',
      '--once',
    )
    expect(result.code, result.stderr).to.equal(0)
    const [identity, ...readings] = records(result)
    expect(identity).to.include({ kind: 'identification', vendor: 'Gridseal', serverText: 'Gridseal meter 0007' })
    expect(readings.map(({ point }) => point)).to.deep.equal(['hr/40007', 'hr/40008', 'co/00001'])
    expect(readings[2]).to.include({ kind: 'reading', link: 'u7', value: true, quality: 'good' })
    const refused = await poll(url, '--unit', '9', '--read', 'hr/40001', '--once')
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.contain('exception 11')
  })

  it('reads and writes the points of a map, by name and in engineering units, until its time is over', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'map.yaml')
      await writeFile(model, MAP)
      const url = await simulate('--model', model)
      const written = await poll(
        url,
        '--model',
        model,
        '--write',
        'Setpoint=7.2',
        '--write',
        'Breaker=off',
        '--for',
        '1s',
      )
      expect(written.code, written.stderr).to.equal(0)
      const all = records(written)
      const last = (point: string): unknown => all.findLast((record) => record['point'] === point)
      expect(last('Voltage')).to.include({ value: 230.5, unit: 'V' })
      expect(last('Setpoint')).to.include({ value: 7.2, unit: 'kW' })
      expect(last('Breaker')).to.include({ value: false })
      expect(all.at(-1)).to.include({ kind: 'summary', failed: 0 })
      expect(all.at(-1)!['polls']).to.be.greaterThan(8)
    })
  })

  it('finds SunSpec models and reads them with units', async () => {
    const url = await simulate('--profile', 'sunspec')
    const readings = records(await poll(url, '--sunspec', '--once'))
    const of = (point: string): unknown => readings.find((record) => record['point'] === point)
    expect(of('1/Mn')).to.include({ value: 'Gridseal' })
    expect(of('103/W')).to.include({ unit: 'W', quality: 'good' })
    expect(of('203/Hz')).to.include({ unit: 'Hz' })
  })

  it('says in one line what was called wrongly', async () => {
    for (const [args, text] of [
      [['--once'], 'say what to read'],
      [['--read', 'hr/30001'], '"hr/30001" is no range'],
      [['--write', 'ir/30001=5'], 'inputs cannot be written'],
      [['--model', '/no/such/map.yaml'], 'cannot read /no/such/map.yaml'],
    ] as const) {
      const { code, stderr } = await poll('tcp://127.0.0.1:1', ...args)
      expect([code, stderr.split('\n')[0]]).to.deep.equal([2, stderr.trimEnd()])
      expect(stderr).to.contain(text)
    }
  })
})
