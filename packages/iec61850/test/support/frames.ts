import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ETHER_TYPE_GOOSE, ETHER_TYPE_SV, etherTypeOf, vlanTag } from '@gridseal/iec61850'
import type { Data, GooseFrame, SvFrame } from '@gridseal/iec61850'
import { readCapture } from '@gridseal/pcap'
import { fromHex } from '@gridseal/wire'
import { ROOT, SHARED_PCAPS } from '../../../../test/support/requirements.ts'

export interface GoldenFrame {
  readonly name: string
  readonly protocol: 'goose' | 'sv'
  readonly bytes: Uint8Array
}

/** Process bus frames of a capture. */
export function framesOf(file: string): GoldenFrame[] {
  const frames: GoldenFrame[] = []
  for (const { number, bytes } of readCapture(readFileSync(file)).packets) {
    const etherType = etherTypeOf(bytes)
    const protocol = etherType === ETHER_TYPE_GOOSE ? 'goose' : etherType === ETHER_TYPE_SV ? 'sv' : undefined
    // A copy: the packets of a capture share its memory.
    if (protocol !== undefined) frames.push({ name: `${file} ${number}`, protocol, bytes: new Uint8Array(bytes) })
  }
  return frames
}

export const OWN_CAPTURES: readonly string[] = [
  'iti_GOOSE.pcap',
  'veth_goose_retransmission.pcap',
  'dina_sv_first100.pcap',
  'veth_sv_9_2le_first100.pcap',
].map((name) => join(ROOT, 'pcaps', name))

/** Captures beside the checkout that hold process bus frames; none where they are not there. */
export function sharedCaptures(): string[] {
  return ['goose', 'sv', 'iec61850-peers', 'mms'].flatMap((name) => {
    const folder = join(SHARED_PCAPS, name)
    if (!existsSync(folder)) return []
    return readdirSync(folder)
      .filter((file) => /\.pcap(ng)?$/.test(file) && (name !== 'iec61850-peers' || /^(goose|sv)-/.test(file)))
      .map((file) => join(folder, file))
  })
}

const EMPTY = new Uint8Array(0)
export const ETHERNET = {
  destination: fromHex('010ccd010001'),
  source: fromHex('020000000001'),
  tags: [vlanTag({ id: 5, priority: 4 })],
} as const
const HEADER = { appId: 0x1001, simulated: false, reserved1: 0, reserved2: 0 } as const

export const VALUES: readonly Data[] = [
  { kind: 'boolean', value: true },
  { kind: 'bitString', value: { bytes: Uint8Array.of(0, 0), unusedBits: 3 } },
  { kind: 'integer', value: -7 },
  { kind: 'floatingPoint', value: 50.5, double: false },
]

/** A GOOSE frame of some device, with what is given in the place of the usual. */
export function gooseFrame(
  pdu: Partial<GooseFrame['pdu']> = {},
  header: Partial<GooseFrame['header']> = {},
): GooseFrame {
  const { allData = VALUES } = pdu
  return {
    ethernet: { ...ETHERNET, etherType: ETHER_TYPE_GOOSE },
    header: { ...HEADER, ...header },
    extension: EMPTY,
    padding: EMPTY,
    pdu: {
      gocbRef: 'IED1LD0/LLN0$GO$gcb1',
      timeAllowedToLive: 300,
      datSet: 'IED1LD0/LLN0$DS1',
      goId: 'gcb1',
      t: { seconds: 1_700_000_000, fraction: 0x80_0000, quality: 0x0a },
      stNum: 1,
      sqNum: 0,
      simulation: header.simulated ?? false,
      confRev: 1,
      ndsCom: false,
      numDatSetEntries: allData.length,
      allData,
      ...pdu,
    },
  }
}

/** A frame of sampled values with one ASDU of 9-2LE. */
export function svFrame(smpCnt: number, sample: Uint8Array = new Uint8Array(64)): SvFrame {
  return {
    ethernet: { ...ETHERNET, etherType: ETHER_TYPE_SV },
    header: { ...HEADER, appId: 0x4000 },
    extension: EMPTY,
    padding: EMPTY,
    pdu: { noAsdu: 1, asdus: [{ svId: 'MU01', smpCnt, confRev: 1, smpSynch: 2, sample }] },
  }
}
