import { meterSample } from '../session/meter-model.ts'
import type { RegisterFile } from '../session/register-file.ts'
import type { UnitOptions } from '../session/unit.ts'
import { sunSpecModel } from './models.ts'
import { sunSpecWords } from './values.ts'

const BASE = 40_000
const MARKER = [0x5375, 0x6e53]
const END = [0xffff, 0]

/** A SunSpec inverter and meter (models 1, 103, 203) whose values move; for demonstrations and tests. */
export function sunSpecUnit(serialNumber: string = '0001'): UnitOptions {
  const common = sunSpecWords(sunSpecModel(1)!, {
    Mn: 'Gridseal',
    Md: 'GS-SUN',
    Vr: '1.0',
    SN: serialNumber,
    DA: 1,
  })
  const begin = [...MARKER, ...common]
  const moving = movingModels(0n)
  return {
    holdingRegisters: [{ start: BASE, cells: [...begin, ...moving, ...END] }],
    update: (registers: RegisterFile, now: bigint) =>
      registers.holdingRegisters.set(BASE + begin.length, movingModels(now)),
  }
}

function movingModels(now: bigint): number[] {
  const { voltage, current, activePower, reactivePower, powerFactor, frequency, energy } = meterSample(now)
  const [phA, phB, phC] = voltage
  const [a, b, c] = current
  const shared = {
    A: (a + b + c) * 100,
    AphA: a * 100,
    AphB: b * 100,
    AphC: c * 100,
    A_SF: -2,
    PhVphA: phA * 10,
    PhVphB: phB * 10,
    PhVphC: phC * 10,
    V_SF: -1,
    W: activePower,
    W_SF: 0,
    Hz: frequency * 100,
    Hz_SF: -2,
    PF: powerFactor * 1000,
    PF_SF: -1,
  }
  const inverter = {
    ...shared,
    VAr: reactivePower,
    VAr_SF: 0,
    WH: energy % 2 ** 32,
    WH_SF: 0,
    TmpCab: 41,
    Tmp_SF: 0,
    St: 4,
  }
  const meter = { ...shared, VAR: reactivePower, VAR_SF: 0, TotWhImp: energy % 2 ** 32, TotWh_SF: 0, Evt: 0 }
  return [
    ...sunSpecWords(sunSpecModel(103)!, { ...inverter, Evt1: 0, Evt2: 0 }),
    ...sunSpecWords(sunSpecModel(203)!, meter),
  ]
}
