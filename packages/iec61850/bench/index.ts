import { performance } from 'node:perf_hooks'
import type { GooseFrame, SvFrame } from '@gridseal/iec61850'
import {
  ETHER_TYPE_GOOSE,
  ETHER_TYPE_SV,
  GooseSupervision,
  SvSupervision,
  decodeGooseFrame,
  decodeSvFrame,
  encodeGooseFrame,
  encodeSvFrame,
  examineGoose,
  examineSv,
  gooseAdapter,
  parseMac,
  svAdapter,
  vlanTag,
} from '@gridseal/iec61850'
import type { Report } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'

const RUNS = 7
const FRAMES = 20_000
const EMPTY = new Uint8Array(0)

const common = {
  header: { appId: 0x3001, simulated: false, reserved1: 0, reserved2: 0 },
  extension: EMPTY,
  padding: EMPTY,
} as const

const ethernet = (etherType: number): GooseFrame['ethernet'] => ({
  destination: parseMac('01-0C-CD-01-00-01'),
  source: parseMac('02-00-00-00-00-01'),
  tags: [vlanTag({ id: 0, priority: 4 })],
  etherType,
})

/** 172 octets: eight entries, four times BOOLEAN and quality. */
const GOOSE: GooseFrame = {
  ethernet: ethernet(ETHER_TYPE_GOOSE),
  ...common,
  pdu: {
    gocbRef: 'simpleIOGenericIO/LLN0$GO$gcb1',
    timeAllowedToLive: 300,
    datSet: 'simpleIOGenericIO/LLN0$Events',
    goId: 'events',
    t: { seconds: 1_700_000_000, fraction: 0, quality: 10 },
    stNum: 5,
    sqNum: 7,
    simulation: false,
    confRev: 1,
    ndsCom: false,
    numDatSetEntries: 8,
    allData: Array.from({ length: 8 }, (_, index) =>
      index % 2 === 0
        ? { kind: 'boolean', value: true }
        : { kind: 'bitString', value: { bytes: new Uint8Array(2), unusedBits: 3 } },
    ),
  },
}

/** 120 octets: one ASDU of 9-2LE. */
const SV: SvFrame = {
  ethernet: ethernet(ETHER_TYPE_SV),
  ...common,
  pdu: {
    noAsdu: 1,
    asdus: [{ svId: 'MU01', smpCnt: 1, confRev: 1, smpSynch: 2, sample: new Uint8Array(64) }],
  },
}

/** Codec, adapter and supervision, a frame at a time; CPU time of this thread is what compares. */
export function run(report: Report): Promise<void> {
  const goose = encodeGooseFrame(GOOSE)
  const sv = encodeSvFrame(SV)
  const gooseSupervision = new GooseSupervision({ gocbRef: GOOSE.pdu.gocbRef })
  const svSupervision = new SvSupervision({ svId: 'MU01' })
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['GOOSE encode (172 octets)', () => encodeGooseFrame(GOOSE)],
    ['GOOSE decode', () => decodeGooseFrame(goose)],
    ['GOOSE decode and supervise', () => gooseSupervision.take(examineGoose(goose), 0)],
    ['GOOSE describe', () => gooseAdapter.describe(goose, 'to-master').members],
    ['SV encode (120 octets)', () => encodeSvFrame(SV)],
    ['SV decode', () => decodeSvFrame(sv)],
    ['SV decode and supervise', () => svSupervision.take(examineSv(sv), 0)],
    ['SV describe', () => svAdapter.describe(sv, 'to-master').members],
  ]
  for (const [name, work] of cases) {
    for (let i = 0; i < FRAMES; i++) work()
    const times: number[] = []
    const cpu: number[] = []
    for (let run = 0; run < RUNS; run++) {
      const before = process.cpuUsage()
      const start = performance.now()
      for (let i = 0; i < FRAMES; i++) work()
      times.push((performance.now() - start) * 1000)
      const { user, system } = process.cpuUsage(before)
      cpu.push(user + system)
    }
    report({
      suite: 'iec61850',
      case: name,
      metric: 'time',
      value: median(times) / FRAMES,
      unit: 'us/frame',
      runs: RUNS,
    })
    report({ suite: 'iec61850', case: name, metric: 'CPU', value: median(cpu) / FRAMES, unit: 'us/frame', runs: RUNS })
  }
  return Promise.resolve()
}
