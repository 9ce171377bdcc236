import { expect } from 'chai'
import fc from 'fast-check'
import { METER_POINTS, METER_REGISTERS, ModbusDevice, meterSample, meterUnit, readMeter } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'

const SECOND = 1_000_000_000n
const instant = fc.integer({ min: 1_740_000_000, max: 2_000_000_000 }).map((seconds) => BigInt(seconds) * SECOND)

describe('Modbus meter model, physics', () => {
  it('keeps P = sum of U x I x power factor', () => {
    fc.assert(
      fc.property(instant, (now) => {
        const { voltage, current, powerFactor, activePower } = meterSample(now)
        const sum = voltage.reduce((watts, volts, phase) => watts + volts * current[phase]! * powerFactor, 0)
        expect(sum).to.be.closeTo(activePower, 1e-6)
        expect(activePower).to.be.greaterThan(0)
      }),
    )
  })

  it('counts the energy that the power brings: the integral over a minute', () => {
    fc.assert(
      fc.property(instant, (from) => {
        let wattSeconds = 0
        for (let i = 0; i < 600; i++)
          wattSeconds += meterSample(from + BigInt(i) * 100_000_000n + 50_000_000n).activePower * 0.1
        const counted = meterSample(from + 60n * SECOND).energy - meterSample(from).energy
        expect(counted).to.be.closeTo(wattSeconds / 3600, 0.01)
      }),
      { numRuns: 20 },
    )
  })

  it('shows in each register what the sample says, in both forms', () => {
    fc.assert(
      fc.property(instant, (now) => {
        const device = new ModbusDevice({ units: { 1: meterUnit() } })
        const read = (pdu: string): DataView => {
          const answer = device.answer(1, fromHex(pdu), 'tcp', now)!
          return new DataView(answer.buffer, answer.byteOffset + 2)
        }
        const [input, holding] = [read('04 0000 0016'), read('03 0000 000C')]
        const sample = meterSample(now)
        const registers = Array.from({ length: METER_REGISTERS }, (_, i) => input.getUint16(2 * i))
        const told = METER_POINTS.map(({ name, unit, value }) => ({ name, unit, value: Math.fround(value(sample)) }))
        expect(readMeter(registers)).to.deep.equal(told)
        for (const point of METER_POINTS) {
          const exact = point.value(sample)
          expect(input.getFloat32(2 * point.input)).to.equal(Math.fround(exact))
          const at = 2 * point.holding
          const scaled = point.words === 1 ? holding.getUint16(at) : holding.getUint32(at)
          expect(scaled).to.equal(Math.round(exact * point.scale))
        }
      }),
      { numRuns: 50 },
    )
  })
})
