import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  LINK,
  FUNCTIONS,
  OBJECT_GROUPS,
  encodeFragment,
  encodeLinkFrame,
  encodeObjects,
  layoutOf,
  segmentFragment,
} from '@gridseal/dnp3'
import type { ObjectHeader, ObjectValue } from '@gridseal/dnp3'
import { toHex } from '@gridseal/wire'
import { withFolder } from '../../../test/support/folders.ts'
import { needPeer } from '../../../test/support/requirements.ts'

/** What tshark reads in a packet; lists in wire order. */
interface Dissected {
  readonly source: string
  readonly destination: string
  readonly function: string
  readonly objects: string
  readonly indexes: string
  readonly malformed: string
}

const FIELDS = [
  'dnp3.src',
  'dnp3.dst',
  'dnp3.al.func',
  'dnp3.al.obj',
  'dnp3.al.point_index',
  'dnp3.al.index',
  '_ws.malformed',
]

/** Each payload as a TCP segment of its own to port 20000. */
function dissect(payloads: readonly Uint8Array[]): Promise<Dissected[]> {
  return withFolder((folder) => {
    const [text, capture] = [join(folder, 'frames.txt'), join(folder, 'frames.pcap')]
    writeFileSync(text, payloads.map((bytes) => `000000 ${toHex(bytes, ' ')}\n`).join('\n'))
    execFileSync('text2pcap', ['-q', '-T', '40000,20000', text, capture], { stdio: 'pipe' })
    const fields = FIELDS.flatMap((field) => ['-e', field])
    const lines = execFileSync('tshark', ['-n', '-r', capture, '-T', 'fields', ...fields], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const rows = lines.split('\n').filter((line) => line !== '')
    return Promise.resolve(
      rows.map((row) => {
        const [source = '', destination = '', code = '', objects = '', points = '', prefixes = '', malformed = ''] =
          row.split('\t')
        return { source, destination, function: code, objects, indexes: points || prefixes, malformed }
      }),
    )
  })
}

function framesOf(code: number, headers: readonly ObjectHeader[], fromMaster = false): Uint8Array {
  const control = { first: true, final: true, confirm: false, unsolicited: code === 130, sequence: 5 }
  const fragment = encodeFragment({ control, function: code, iin: code >= 129 ? 0x1002 : undefined, headers })
  const frames = segmentFragment(fragment, 9).map((user) =>
    encodeLinkFrame({
      fromMaster,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: LINK.UNCONFIRMED_USER_DATA,
      destination: fromMaster ? 1024 : 1,
      source: fromMaster ? 1 : 1024,
      user,
    }),
  )
  return Buffer.concat(frames)
}

/** Objects whose layout tshark 4.0.17 does not know, or reads wrongly (g43). */
const UNKNOWN_TO_TSHARK = new Set([
  'g4v3',
  'g43v1',
  'g43v3',
  ...[1, 2, 3, 4, 5, 6].map((v) => `g31v${v}`),
  ...[1, 2, 3, 4].map((v) => `g33v${v}`),
])
/** All groups of points and commands. */
const GROUPS = [1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 40, 41, 42, 43]

describe('tshark decodes what we encode', () => {
  before(function () {
    needPeer(this, 'tshark', 'text2pcap')
  })

  it('objects of every group of points, as many as were meant, nothing malformed', async () => {
    const cases = OBJECT_GROUPS.filter(({ group }) => GROUPS.includes(group)).flatMap(({ group, variations }) =>
      Object.keys(variations)
        .map(Number)
        .filter((variation) => !UNKNOWN_TO_TSHARK.has(`g${group}v${variation}`))
        .map((variation) => ({ group, variation })),
    )
    expect(cases.length).to.be.above(90)
    const payloads = cases.map(({ group, variation }) => framesOf(129, [threeObjects(group, variation)]))
    const rows = await dissect(payloads)
    expect(rows).to.have.length(cases.length)
    rows.forEach((row, i) => {
      const { group, variation } = cases[i]!
      expect(row, `g${group}v${variation}`).to.deep.include({
        source: '1024',
        destination: '1',
        function: '129',
        objects: `0x${(group * 256 + variation).toString(16).padStart(4, '0')}`,
        malformed: '',
      })
      expect(row.indexes, `g${group}v${variation}`).to.equal('7,8,9')
    })
  }).timeout(60_000)

  it('requests of a master', async () => {
    const all = (group: number, variation: number): ObjectHeader =>
      encodeObjects({ group, variation, qualifier: 6 }, [])
    const codes = [0, 1, 2, 3, 7, 13, 20, 23, 24]
    const headers: Readonly<Record<number, readonly ObjectHeader[]>> = {
      1: [all(60, 2), all(60, 3), all(60, 4), all(60, 1)],
      2: [encodeObjects({ group: 50, variation: 1, qualifier: 7 }, [{ index: 0, time: 1_800_000_000_000 }])],
      3: [threeObjects(12, 1), threeObjects(41, 2)],
      7: [all(20, 0)],
      20: [all(60, 2)],
    }
    const rows = await dissect(codes.map((code) => framesOf(code, headers[code] ?? [], true)))
    expect(rows.map((row) => row.function)).to.deep.equal(codes.map(String))
    expect(rows.map(({ malformed }) => malformed).join('')).to.equal('')
    expect(rows[1]).to.include({ source: '1', destination: '1024', objects: '0x3c02,0x3c03,0x3c04,0x3c01' })
    expect(rows[3]?.objects).to.equal('0x0c01,0x2902')
    expect(FUNCTIONS.filter(({ code }) => codes.includes(code))).to.have.length(codes.length)
  }).timeout(60_000)

  it('a fragment in several frames', async () => {
    const analogs = Array.from({ length: 300 }, (_, index): ObjectValue => ({ index, flags: 1, value: index * 1000 }))
    const payload = framesOf(129, [encodeObjects({ group: 30, variation: 1, qualifier: 1 }, analogs)])
    expect(payload.length).to.be.above(6 * 292)
    const rows = await dissect([payload.subarray(0, 1200), payload.subarray(1200)])
    const [row] = rows.filter(({ objects }) => objects !== '')
    expect(row).to.deep.include({ function: '129', objects: '0x1e01', malformed: '' })
    expect(row?.indexes.split(',')).to.have.length(300)
  }).timeout(60_000)
})

/** Points 7 to 9: static objects by range, events and commands by index. */
function threeObjects(group: number, variation: number): ObjectHeader {
  const layout = layoutOf(group, variation)!
  const fields =
    layout.kind === 'fixed' ? layout.fields.map(({ name }) => [name, name === 'flags' ? 0x81 : 1]) : [['state', 1]]
  const objects = [7, 8, 9].map((index): ObjectValue => ({ ...(Object.fromEntries(fields) as object), index }))
  const ranged = layout.kind === 'packed' || [1, 3, 10, 20, 21, 30, 31, 40].includes(group)
  return encodeObjects({ group, variation, qualifier: ranged ? 0x00 : 0x28 }, objects)
}
