import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { readDigest } from '../support/digest.ts'
import { inspectFile } from '../support/inspection.ts'
import { ROOT, SHARED_PCAPS, needFolder } from '../support/requirements.ts'
import type { Column, Difference } from './compare.ts'
import {
  DNP3_COLUMNS,
  GOOSE_COLUMNS,
  MODBUS_COLUMNS,
  ROUTABLE_COLUMNS,
  RTU_COLUMNS,
  SV_COLUMNS,
  differences,
} from './compare.ts'
import { KNOWN } from './known.ts'

/** Captures of a folder that have a digest beside them. */
function captures(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.pcap(ng)?$/.test(name) && existsSync(join(folder, digestOf(name))))
    .sort()
    .map((name) => join(folder, name))
}

function digestOf(capture: string): string {
  return capture.replace(/\.pcap(ng)?$/, '.expect.tsv')
}

const isKnown = (name: string, { frame, field }: Difference): boolean =>
  (KNOWN[name] ?? []).some(({ fields, frames }) => fields.includes(field) && frames.includes(frame))

async function compare(capture: string, protocol: string, columns: readonly Column[]): Promise<void> {
  const name = basename(capture)
  const found = differences(await inspectFile(capture), readDigest(digestOf(capture)), protocol, columns)
  const unexplained = found.filter((difference) => !isKnown(name, difference))
  expect(unexplained, `${unexplained.length} differences that test/golden/README.md does not explain`).to.deep.equal([])
  const seen = new Set(found.map(({ frame, field }) => `${frame} ${field}`))
  for (const { fields, frames } of KNOWN[name] ?? []) {
    for (const frame of frames) {
      expect(
        fields.some((field) => seen.has(`${frame} ${field}`)),
        `packet ${frame} is listed as known and agrees now`,
      ).to.equal(true)
    }
  }
}

function suite(
  title: string,
  folder: string,
  pick: (name: string) => boolean,
  protocol: string,
  columns: readonly Column[],
): void {
  describe(`gridseal inspect agrees with tshark: ${title}`, () => {
    const files = captures(folder).filter((file) => pick(basename(file)))
    it('finds its captures', function () {
      needFolder(this, folder)
      expect(files).to.not.be.empty
    })
    for (const file of files) it(basename(file), () => compare(file, protocol, columns)).timeout(60_000)
  })
}

const own = join(ROOT, 'pcaps')
const isRtu = (name: string): boolean => name.includes('rtu')
const isModbus = (name: string): boolean => /modbus|quickdraw/.test(name) && !isRtu(name)
const isGoose = (name: string): boolean => /goose/i.test(name)
const isSv = (name: string): boolean => name.includes('_sv_')
const isDnp3 = (name: string): boolean => ![isModbus, isRtu, isGoose, isSv].some((other) => other(name))

const peer =
  (prefix: string) =>
  (name: string): boolean =>
    name.startsWith(prefix)

suite('pcaps, Modbus TCP', own, isModbus, 'modbus', MODBUS_COLUMNS)
suite('pcaps, Modbus RTU', own, isRtu, 'modbus', RTU_COLUMNS)
suite('pcaps, DNP3', own, isDnp3, 'dnp3', DNP3_COLUMNS)
suite('pcaps, GOOSE', own, isGoose, 'goose', GOOSE_COLUMNS)
suite('pcaps, sampled values', own, isSv, 'sv', SV_COLUMNS)
suite('shared captures, Modbus TCP', join(SHARED_PCAPS, 'modbus-tcp'), () => true, 'modbus', MODBUS_COLUMNS)
suite('shared captures, DNP3', join(SHARED_PCAPS, 'dnp3'), () => true, 'dnp3', DNP3_COLUMNS)
suite('shared captures, GOOSE', join(SHARED_PCAPS, 'goose'), () => true, 'goose', GOOSE_COLUMNS)
suite('shared captures, sampled values', join(SHARED_PCAPS, 'sv'), () => true, 'sv', SV_COLUMNS)
suite('shared recordings of peers, GOOSE', join(SHARED_PCAPS, 'iec61850-peers'), peer('goose-'), 'goose', GOOSE_COLUMNS)
suite('shared recordings of peers, sampled values', join(SHARED_PCAPS, 'iec61850-peers'), peer('sv-'), 'sv', SV_COLUMNS)
suite('shared captures, R-GOOSE', join(SHARED_PCAPS, 'r-goose'), () => true, 'goose', ROUTABLE_COLUMNS)
suite(
  'shared recordings of peers, R-GOOSE',
  join(SHARED_PCAPS, 'iec61850-peers'),
  peer('rgoose-none'),
  'goose',
  ROUTABLE_COLUMNS,
)
