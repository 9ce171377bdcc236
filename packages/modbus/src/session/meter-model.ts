import type { Block, RegisterFile } from './register-file.ts'
import type { UnitOptions } from './unit.ts'

/**
 * A three-phase meter whose every value is a function of time alone: two of them, asked at the same instant, agree, and
 * the energy register is the exact integral of the power register.
 */
export interface MeterSample {
  /** Volts, phase to neutral. */
  readonly voltage: readonly [number, number, number]
  /** Amperes. */
  readonly current: readonly [number, number, number]
  /** Watts, imported. */
  readonly activePower: number
  /** Volt-amperes reactive. */
  readonly reactivePower: number
  readonly powerFactor: number
  /** Hertz. */
  readonly frequency: number
  /** Watt-hours imported since 2025-01-01 UTC. */
  readonly energy: number
}

const START = 1_735_689_600 // 2025-01-01T00:00:00Z, seconds
const NS_PER_MS = 1_000_000n
const BASE_LOAD = 2600
/** Watts and period in seconds: the day, a machine's cycle, a heater's. */
const LOADS: readonly (readonly [number, number])[] = [
  [1200, 86_400],
  [450, 300],
  [180, 23],
]
const SHARES = [0.45, 0.3, 0.25] as const
const POWER_FACTOR = 0.95

const wave = (seconds: number, period: number): number => Math.sin((2 * Math.PI * (seconds % period)) / period)

/** The meter's values at an instant, in nanoseconds since 1970-01-01 UTC. */
export function meterSample(now: bigint): MeterSample {
  const seconds = Math.max(0, Number(now / NS_PER_MS) / 1000 - START)
  let activePower = BASE_LOAD
  let wattSeconds = BASE_LOAD * seconds
  for (const [watts, period] of LOADS) {
    const angle = (2 * Math.PI * (seconds % period)) / period
    activePower += watts * Math.sin(angle)
    wattSeconds += ((watts * period) / (2 * Math.PI)) * (1 - Math.cos(angle))
  }
  const voltage = [0, 1, 2].map((phase) => 230 + 1.5 * wave(seconds + 7 * phase, 41)) as [number, number, number]
  const current = voltage.map((volts, phase) => (activePower * SHARES[phase]!) / (volts * POWER_FACTOR))
  return {
    voltage,
    current: current as [number, number, number],
    activePower,
    reactivePower: activePower * Math.tan(Math.acos(POWER_FACTOR)),
    powerFactor: POWER_FACTOR,
    frequency: 50 + 0.02 * wave(seconds, 17),
    energy: wattSeconds / 3600,
  }
}

/** One measured value in the meter's registers. */
export interface MeterPoint {
  readonly name: string
  readonly unit: string
  /** Input registers: float32, high word first. */
  readonly input: number
  /** Holding registers: the value times `scale`, unsigned, in `words` registers, high word first. */
  readonly holding: number
  readonly words: 1 | 2
  readonly scale: number
  readonly value: (sample: MeterSample) => number
}

const point = (
  name: string,
  unit: string,
  input: number,
  holding: number,
  words: 1 | 2,
  scale: number,
  value: (sample: MeterSample) => number,
): MeterPoint => ({ name, unit, input, holding, words, scale, value })

/** The register map of the simulated meter; addresses are 0-based. */
export const METER_POINTS: readonly MeterPoint[] = [
  point('Voltage L1', 'V', 0, 0, 1, 10, (s) => s.voltage[0]),
  point('Voltage L2', 'V', 2, 1, 1, 10, (s) => s.voltage[1]),
  point('Voltage L3', 'V', 4, 2, 1, 10, (s) => s.voltage[2]),
  point('Current L1', 'A', 6, 3, 1, 100, (s) => s.current[0]),
  point('Current L2', 'A', 8, 4, 1, 100, (s) => s.current[1]),
  point('Current L3', 'A', 10, 5, 1, 100, (s) => s.current[2]),
  point('Active power', 'W', 12, 6, 1, 1, (s) => s.activePower),
  point('Reactive power', 'var', 14, 7, 1, 1, (s) => s.reactivePower),
  point('Power factor', '', 16, 8, 1, 1000, (s) => s.powerFactor),
  point('Frequency', 'Hz', 18, 9, 1, 100, (s) => s.frequency),
  point('Energy imported', 'Wh', 20, 10, 2, 1, (s) => s.energy),
]

/** Input registers of the meter, from address 0. */
export const METER_REGISTERS = 22
const MEASURED_WORDS = 12
/** Holding registers and coils of the meter that keep what is written: settings and relays. */
const SETTINGS: Block = { start: 100, cells: 100 }
const RELAYS: Block = { start: 0, cells: [1, 1, 0, 0, 0, 0, 0, 0] }
const PHASES_PRESENT: Block = { start: 0, cells: [1, 1, 1, 0, 0, 0, 0, 0] }

/** A unit with the registers of {@link METER_POINTS}, 8 relays (coils), 8 status inputs and 100 settings. */
export function meterUnit(serialNumber: string = '0001'): UnitOptions {
  return {
    coils: [RELAYS],
    discreteInputs: [PHASES_PRESENT],
    inputRegisters: [{ start: 0, cells: METER_REGISTERS }],
    holdingRegisters: [{ start: 0, cells: MEASURED_WORDS }, SETTINGS],
    serverId: { id: 0x47, text: `Gridseal meter ${serialNumber}` },
    identification: { 0: 'Gridseal', 1: 'GS-METER', 2: '1.0', 4: 'Simulated meter', 5: serialNumber },
    exceptionStatus: 0,
    update: writeMeterRegisters,
  }
}

/** A measured value, read back from the registers. */
export interface MeterReading {
  readonly name: string
  readonly unit: string
  readonly value: number
}

/** The values in the meter's input registers, read from address 0; as many as the registers hold. */
export function readMeter(registers: readonly number[]): MeterReading[] {
  const float = new DataView(new ArrayBuffer(4))
  return METER_POINTS.filter(({ input }) => input + 2 <= registers.length).map(({ name, unit, input }) => {
    float.setUint16(0, registers[input]!)
    float.setUint16(2, registers[input + 1]!)
    return { name, unit, value: float.getFloat32(0) }
  })
}

/** Writes a sample taken at `now` into the registers. */
export function writeMeterRegisters(registers: RegisterFile, now: bigint): void {
  const sample = meterSample(now)
  const float = new DataView(new ArrayBuffer(4))
  for (const { input, holding, words, scale, value } of METER_POINTS) {
    const exact = value(sample)
    float.setFloat32(0, exact)
    registers.inputRegisters.set(input, [float.getUint16(0), float.getUint16(2)])
    const scaled = Math.round(exact * scale)
    registers.holdingRegisters.set(holding, words === 1 ? [scaled] : [Math.floor(scaled / 0x1_0000), scaled % 0x1_0000])
  }
}
