import { expect } from 'chai'
import { needFolder } from '../../../../test/support/requirements.ts'
import { OWN_PCAPS, SHARED_DNP3, captures, readDigest } from '../support/digest.ts'
import { columnsOf, inspectRows } from '../support/inspected.ts'
import type { Difference } from './disagreements.ts'
import { SEEN, explanations } from './disagreements.ts'

/** The captures of another folder are not ours to count. */
const KNOWN = process.env['GRIDSEAL_PCAPS'] === undefined

/** All that differs between us and tshark in one capture. */
function differences(folder: string, capture: string): Difference[] {
  return inspectRows(readDigest(folder, capture)).packets.flatMap(({ row, records }) => {
    const columns = Object.entries(columnsOf(records)).map(([name, ours]) => {
      return { column: name.slice(name.lastIndexOf('.') + 1), ours, tshark: row.list(name), records, row }
    })
    const malformed = records.some((record) => record.malformed !== null)
    return [
      ...columns,
      { column: 'malformed', ours: [String(malformed)], tshark: [String(row.malformed)], records, row },
    ].filter(({ ours, tshark }) => ours.join() !== tshark.join())
  })
}

function agreesWithDigests(folder: string): void {
  for (const capture of captures(folder)) {
    it(`${capture}: every frame, fragment and object header, but for the differences explained`, () => {
      const seen: Record<string, number> = {}
      for (const difference of differences(folder, capture)) {
        const { row, column, ours, tshark } = difference
        const why = explanations(difference)[0]
        expect(why, `packet ${row.packet}: ${column} is ${ours.join()}, tshark has ${tshark.join()}`).to.not.be
          .undefined
        seen[why!] = (seen[why!] ?? 0) + 1
      }
      if (KNOWN) expect(seen).to.deep.equal(SEEN[capture] ?? {})
    })

    it(`${capture}: no octet that belongs to no frame`, () => {
      for (const framer of inspectRows(readDigest(folder, capture)).framers) {
        expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([0, 0, 0])
      }
    })
  }
}

describe('DNP3 captures that travel with the project agree with tshark', () => {
  agreesWithDigests(OWN_PCAPS)
})

describe('DNP3 captures beside the checkout agree with tshark', () => {
  before(function () {
    needFolder(this, SHARED_DNP3)
  })

  it('are there', () => {
    expect(captures(SHARED_DNP3)).to.not.be.empty
  })

  agreesWithDigests(SHARED_DNP3)
})
