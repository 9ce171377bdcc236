import { expect } from 'chai'
import { parseDeviceMap, unitOfMap, valueOf } from '@gridseal/modbus'
import type { DeviceMap } from '@gridseal/modbus'
import { usageError } from '../support/errors.ts'

const YAML = `
name: ACME meter
base: 1
order: CDAB
limits: { words: 60, gap: 4 }
classes: { fast: 500ms, slow: 1m }
points:
  - { name: Voltage L1, address: 1, type: float32, unit: V, initial: 230.5 }
  - { name: Current L1, address: 3, type: int16, scale: 0.01, unit: A, invalid: 32767, initial: 12.34 }
  - { name: Energy, reference: 40011, type: uint32, order: ABCD, unit: kWh, scale: 0.1, class: slow, initial: 6553.7 }
  - { name: Door open, table: di, address: 1, initial: true }
  - { name: Alarm, address: 20, bit: 3, initial: true }
  - { name: Serial number, table: ir, address: 1, type: string, length: 4, initial: AC-7 }
  - { name: Temperature, table: ir, address: 5, type: int16, scale: 0.1, offset: -50 }
`

const point = (map: DeviceMap, name: string) => map.points.find((one) => one.name === name)!

describe('Modbus device map', () => {
  it('reads YAML: places on the wire, types, orders, scales, units, classes', () => {
    const map = parseDeviceMap(YAML, 'acme.yaml')
    expect(map).to.include({ name: 'ACME meter' })
    expect(map.limits).to.deep.equal({ words: 60, gap: 4 })
    expect(map.classes).to.deep.equal({ fast: 500, slow: 60_000 })
    expect(point(map, 'Voltage L1')).to.include({
      table: 'hr',
      address: 0,
      quantity: 2,
      order: 'CDAB',
      readClass: 'fast',
    })
    expect(point(map, 'Energy')).to.include({ table: 'hr', address: 10, order: 'ABCD', readClass: 'slow', unit: 'kWh' })
    expect(point(map, 'Door open')).to.include({ table: 'di', address: 0, type: 'bool', bit: undefined })
    expect(point(map, 'Alarm')).to.include({ table: 'hr', address: 19, type: 'bool', bit: 3 })
    expect(map.warnings).to.deep.equal([])
  })

  it('turns registers into values in engineering units', () => {
    const map = parseDeviceMap(YAML, 'acme.yaml')
    expect(valueOf(point(map, 'Voltage L1'), [0x8000, 0x4366])).to.equal(230.5)
    expect(valueOf(point(map, 'Current L1'), [1234])).to.equal(12.34)
    expect(valueOf(point(map, 'Current L1'), [32_767])).to.equal(undefined)
    expect(valueOf(point(map, 'Energy'), [1, 1])).to.equal(6553.7)
    expect(valueOf(point(map, 'Alarm'), [0b1000])).to.equal(true)
    expect(valueOf(point(map, 'Temperature'), [3])).to.equal(-49.7)
  })

  it('makes a simulated unit of it', () => {
    const unit = unitOfMap(parseDeviceMap(YAML, 'acme.yaml'))
    expect(unit.holdingRegisters).to.deep.equal([
      { start: 0, cells: [0x8000, 0x4366, 1234] },
      { start: 10, cells: [1, 1] },
      { start: 19, cells: [8] },
    ])
    expect(unit.discreteInputs).to.deep.equal([{ start: 0, cells: [1] }])
    expect(unit.inputRegisters).to.deep.equal([{ start: 0, cells: [0x4143, 0x2d37, 0, 0, 0] }])
  })

  it('reads CSV with quotes, semicolons and comments', () => {
    const csv = [
      'name;reference;type;unit;scale;class',
      '# the meter of building 7',
      '"Power; total";40001;int32;W;;fast',
      '',
      '"Say ""hello""";300001;uint16;;0.5;slow',
    ].join('\r\n')
    const map = parseDeviceMap(csv, 'meter.csv')
    expect(
      map.points.map(({ name, table, address, scale, line }) => [name, table, address, scale, line]),
    ).to.deep.equal([
      ['Power; total', 'hr', 0, 1, 3],
      ['Say "hello"', 'ir', 0, 0.5, 5],
    ])
    expect(Object.keys(map.classes)).to.deep.equal(['normal', 'fast', 'slow'])
  })

  it('names every mistake at once, with its line', () => {
    const source = [
      'base: 2',
      'colour: red',
      'limits: { words: 126, bytes: 1 }',
      'points:',
      '  - { name: A, address: 70000 }',
      '  - { name: A2, address: 65535, type: float32, unti: V }',
      '  - { address: 1, type: float16 }',
      '  - { name: B, reference: 70001 }',
      '  - { name: C, address: 1, type: string }',
      '  - { name: D, table: co, address: 1, type: int16 }',
      '  - { name: E, address: 1, bit: 16 }',
      '  - { name: F, address: 1, scale: 0, class: often }',
      '  - { name: G, address: ten }',
      '  - { name: H, address: 1, initial: 70000 }',
      '  - { name: H, address: 2, length: 2 }',
      '  - nothing',
    ].join('\n')
    const { code, message } = usageError(() => parseDeviceMap(source, 'bad.yaml'))
    expect(code).to.equal('modbus.map')
    for (const [line, text] of [
      [1, 'base: allowed: 0'],
      [2, 'colour: unknown key'],
      [3, 'limits: words: a whole number up to 125'],
      [3, 'limits: bytes: unknown key'],
      [5, 'address: from 0 to 65535'],
      [6, 'unti: unknown key'],
      [6, 'address: it ends past'],
      [7, 'name: missing'],
      [7, 'type: allowed: bool'],
      [8, 'reference: five or six digits'],
      [9, 'length: a string needs'],
      [10, 'type: a coil or discrete input'],
      [11, 'bit: a bool in a register'],
      [12, 'scale: must not be 0'],
      [12, 'class: no such class'],
      [13, 'address: "ten" is no number'],
      [15, 'length: the type uint16 has its own'],
      [16, 'a point is a map'],
    ] as const) {
      expect(message).to.contain(`bad.yaml:${line}: ${text}`)
    }
    const twice = 'points:\n  - { name: H, address: 1, initial: 70000 }\n  - { name: H, address: 2 }\n'
    const found = usageError(() => parseDeviceMap(twice, 'x.yaml')).message
    expect(found).to.contain('x.yaml:2: initial: 70000 does not fit uint16')
    expect(found).to.contain('x.yaml:3: name: "H" is in line 2 already')
  })

  it('says what is no YAML, no map, and has no points', () => {
    for (const [source, text] of [
      ['points: [', 'bad.yaml:'],
      ['- 1', 'a map with the key points'],
      ['name: x', 'points: a list of points is missing'],
      ['classes: { a: soon }\npoints: [{ name: A, address: 1 }]', 'is no period'],
    ] as const) {
      expect(usageError(() => parseDeviceMap(source, 'bad.yaml')).message).to.contain(text)
    }
    expect(usageError(() => parseDeviceMap('a,b\n1,2', 'bad.csv')).message).to.contain('name is missing')
  })

  it('warns of points on top of each other, but not of bits of one register', () => {
    const source = `points:
  - { name: A, address: 0, type: uint32 }
  - { name: B, address: 1 }
  - { name: C, address: 5, bit: 0 }
  - { name: D, address: 5, bit: 1 }
`
    expect(parseDeviceMap(source, 'x.yaml').warnings).to.deep.equal(['x.yaml:3: "B" lies on "A"'])
  })
})
