import { expect } from 'chai'
import {
  ModbusClient,
  ModbusServer,
  SUNSPEC_MODELS,
  discoverSunSpec,
  readSunSpecBlock,
  sunSpecModel,
  sunSpecUnit,
  sunSpecValues,
  sunSpecWords,
} from '@gridseal/modbus'
import type { ReadRegisters } from '@gridseal/modbus'
import { ProtocolError } from '@gridseal/wire'
import { rejection } from '../support/errors.ts'

/** A device whose registers begin at `base`. */
const device =
  (base: number, words: readonly number[]): ReadRegisters =>
  (address, quantity) => {
    const at = address - base
    if (at >= 0 && at + quantity <= words.length) return Promise.resolve(words.slice(at, at + quantity))
    return Promise.reject(new ProtocolError('modbus.exception', 'refused', { exception: 2 }))
  }

const SUNS = [0x5375, 0x6e53]

describe('SunSpec models', () => {
  // Lengths of the SunSpec model definitions.
  const lengths = { 1: 66, 101: 50, 102: 50, 103: 50, 111: 60, 112: 60, 113: 60 }
  const meters = { 201: 105, 202: 105, 203: 105, 204: 105, 211: 124, 212: 124, 213: 124, 214: 124 }
  it('have the lengths of their definitions', () => {
    const ours = Object.fromEntries(SUNSPEC_MODELS.map(({ id, length }) => [id, length]))
    expect(ours).to.deep.equal({ ...lengths, ...meters })
  })

  it('have their points where the definitions have them', () => {
    for (const [id, name, offset] of [
      [1, 'SN', 50],
      [103, 'W', 14],
      [103, 'WH', 24],
      [103, 'St', 38],
      [113, 'W', 22],
      [113, 'St', 48],
      [203, 'TotWhImp', 46],
      [203, 'TotVArh_SF', 104],
      [203, 'Evt', 105],
      [213, 'TotWhImp', 68],
      [213, 'Evt', 124],
    ] as const) {
      expect(sunSpecModel(id)!.points.find((point) => point.name === name)?.offset, `${id} ${name}`).to.equal(offset)
    }
  })

  it('name a scale factor that is there', () => {
    for (const { points } of SUNSPEC_MODELS) {
      for (const { scale } of points) {
        if (scale !== undefined)
          expect(points.some(({ name, type }) => name === scale && type === 'sunssf')).to.equal(true)
      }
    }
  })

  it('give values with units; points marked as absent do not appear', () => {
    const model = sunSpecModel(103)!
    const words = sunSpecWords(model, { PhVphA: 2301, V_SF: -1, W: -1500, W_SF: 1, WH: 123_456, WH_SF: 0, St: 4 })
    expect(sunSpecValues(model, words)).to.deep.equal([
      { name: 'PhVphA', value: 230.1, unit: 'V', quality: 'good' },
      { name: 'W', value: -15_000, unit: 'W', quality: 'good' },
      { name: 'WH', value: 123_456, unit: 'Wh', quality: 'good' },
      { name: 'St', value: 4, unit: undefined, quality: 'good' },
    ])
    const float = sunSpecModel(113)!
    expect(sunSpecValues(float, sunSpecWords(float, { Hz: 50 }))).to.deep.equal([
      { name: 'Hz', value: 50, unit: 'Hz', quality: 'good' },
    ])
  })

  it('call a value bad whose scale factor is missing or cannot be', () => {
    const model = sunSpecModel(203)!
    for (const values of [{ A: 7 }, { A: 7, A_SF: 11 }, { A: 7, A_SF: -11 }]) {
      expect(sunSpecValues(model, sunSpecWords(model, values))).to.deep.equal([
        { name: 'A', value: 7, unit: 'A', quality: 'bad' },
      ])
    }
  })

  it('may be shorter on a device than their definition', () => {
    const model = sunSpecModel(1)!
    const words = sunSpecWords(model, { Mn: 'ACME', DA: 3 }).slice(0, 67)
    expect(sunSpecValues(model, words).map(({ name }) => name)).to.deep.equal(['Mn', 'DA'])
  })
})

describe('SunSpec discovery', () => {
  const common = sunSpecWords(sunSpecModel(1)!, { Mn: 'ACME' })
  const chain = [...SUNS, ...common, 64_000, 3, 1, 2, 3, ...sunSpecWords(sunSpecModel(201)!, {}), 0xffff, 0]

  for (const base of [40_000, 50_000, 0]) {
    it(`finds the models of a device that begins at ${base}, known or not`, async () => {
      const blocks = await discoverSunSpec(device(base, chain))
      expect(blocks.map(({ id, address, model }) => [id, address - base, model?.label])).to.deep.equal([
        [1, 2, 'common'],
        [64_000, 70, undefined],
        [201, 75, 'meter, single phase'],
      ])
    })
  }

  it('finds nothing where there is no marker', async () => {
    expect(await discoverSunSpec(device(40_000, [1, 2, 3, 4]))).to.deep.equal([])
    expect(await discoverSunSpec(device(7, [1]))).to.deep.equal([])
  })

  const bad: readonly [string, ReadRegisters, string][] = [
    ['a loop', async (_, quantity) => (quantity === 2 ? SUNS : []), 'more than 100 models'],
    ['a known model of no length', device(40_000, [...SUNS, 103, 0, 0, 0]), 'has no length'],
    ['a model that ends past the last register', device(40_000, [...SUNS, 999, 30_000]), 'past the last register'],
    ['a device that falls silent', () => Promise.reject(new ProtocolError('modbus.client.timeout', 'mute')), 'mute'],
  ]
  for (const [title, read, text] of bad) {
    it(`does not follow ${title}`, async () => {
      const asked = title === 'a loop' ? loop() : read
      expect((await rejection(discoverSunSpec(asked))).message).to.contain(text)
    })
  }
  /** Model after model of no registers and an unknown number. */
  function loop(): ReadRegisters {
    return (address) => Promise.resolve(address === 40_000 ? SUNS : [999, 0])
  }

  it('reads a simulated inverter and meter over TCP', async () => {
    const server = await ModbusServer.open('tcp://127.0.0.1:0', {
      units: { 1: sunSpecUnit('4711') },
      now: () => 1_780_000_000_000_000_000n,
    })
    const client = await ModbusClient.connect(server.url)
    const read: ReadRegisters = (address, quantity) => client.readHoldingRegisters(1, address, quantity)
    const blocks = await discoverSunSpec(read)
    expect(blocks.map(({ id }) => id)).to.deep.equal([1, 103, 203])
    const values = await Promise.all(
      blocks.map(async (block) => sunSpecValues(block.model!, await readSunSpecBlock(read, block))),
    )
    expect(values[0]).to.deep.include({ name: 'SN', value: '4711', unit: undefined, quality: 'good' })
    const value = (model: number, name: string): unknown => values[model]!.find((one) => one.name === name)?.value
    expect(value(1, 'PhVphA')).to.be.within(228, 232)
    expect(value(2, 'Hz')).to.be.within(49.9, 50.1)
    expect(value(2, 'W')).to.equal(value(1, 'W'))
    await client.close()
    await server.close()
  })
})
