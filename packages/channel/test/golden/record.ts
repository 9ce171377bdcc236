/*
 * Records the golden handshake: `node -C source packages/channel/test/golden/record.ts > …/handshake.json`. Everything
 * but the two signatures follows from the seeds; signing is hedged, so the signatures are recorded too.
 */
import { randomBytes } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { initiator, record, responder, scripted, scriptedEncapsulation } from '../support/handshake-pair.ts'
import { FIELD, HEAD } from '../support/identities.ts'
import { goldenRecords } from './records.ts'

const inputs = {
  initiatorKemSeed: randomBytes(96),
  initiatorRandom: randomBytes(32),
  responderEncapsulation: randomBytes(64),
  responderRandom: randomBytes(32),
}
const i = initiator({ random: scripted(inputs.initiatorKemSeed, inputs.initiatorRandom) })
const random = scripted(inputs.responderEncapsulation, inputs.responderRandom)
const r = responder({ random, encapsulate: scriptedEncapsulation(random) })
const { steps } = record(i, r)

const hex = (values: object): object =>
  Object.fromEntries(Object.entries(values).map(([name, bytes]) => [name, toHex(bytes as Uint8Array)]))

const golden = {
  identities: hex({ initiatorSeed: FIELD.toSeed(), responderSeed: HEAD.toSeed() }),
  maxMessage: { initiator: 1_000_000, responder: 2_000_000 },
  inputs: hex(inputs),
  signatures: hex({ responder: r.signature, initiator: i.signature }),
  frames: steps.map(({ name, frame }) => ({ name, hex: toHex(frame) })),
  trafficSecrets: hex({ initiator: i.session!.sendSecret, responder: i.session!.receiveSecret }),
  records: goldenRecords(i.session!.sendSecret).map((bytes) => toHex(bytes)),
}
process.stdout.write(`${JSON.stringify(golden, null, 2)}\n`)
