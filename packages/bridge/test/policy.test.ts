import { modbusAdapter } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'
import type { LinkConfig, PolicyConfig } from '@gridseal/bridge'
import { exitPolicyOf, policyOf } from '#src/policy.ts'
import { expect } from 'chai'

const READ = fromHex('00010000000601030000000a')
const WRITE = fromHex('0002000000060106000100ff')
const ANSWER = fromHex('00010000000501030200aa')

function link(policy: Partial<PolicyConfig>): LinkConfig {
  return {
    id: 'a',
    protocol: 'modbus',
    keepInvalid: false,
    window: 1 << 20,
    silence: 50,
    policy: { deny: [], onDeny: 'drop', ...policy },
  }
}

describe('policy', () => {
  it('lets pass what is allowed and not denied', () => {
    const only = policyOf(link({ allow: ['read'] }), modbusAdapter)
    expect(only?.(READ, 'to-device')).to.equal('pass')
    expect(only?.(WRITE, 'to-device')).to.equal('drop')
    const never = policyOf(link({ deny: ['write'], onDeny: 'close' }), modbusAdapter)
    expect(never?.(READ, 'to-device')).to.equal('pass')
    expect(never?.(WRITE, 'to-device')).to.equal('close')
  })

  it('lets the answer pass to what it let through, but takes no answers from a master', () => {
    const only = policyOf(link({ allow: ['read'] }), modbusAdapter)
    expect(only?.(ANSWER, 'to-master')).to.equal('pass')
    const toDevice = exitPolicyOf(link({ allow: ['read'] }), modbusAdapter, 'to-device')
    expect(toDevice?.(WRITE, 'to-master'), "the direction is the link end's, not what the frame claims").to.equal(
      'drop',
    )
  })

  it('judges every frame of what comes from the far side, and what belongs to none', () => {
    const policy = exitPolicyOf(link({ deny: ['write'] }), modbusAdapter, 'to-device')
    expect(policy?.(READ, 'to-device')).to.equal('pass')
    expect(policy?.(Buffer.concat([READ, READ]), 'to-device')).to.equal('pass')
    expect(policy?.(Buffer.concat([READ, WRITE]), 'to-device'), 'a write hidden behind a read').to.equal('drop')
    const known = exitPolicyOf(link({ deny: ['unknown'], onDeny: 'close' }), modbusAdapter, 'to-device')
    expect(known?.(Buffer.concat([READ, Uint8Array.of(1, 2, 3)]), 'to-device')).to.equal('close')
  })

  it("asks the protocol's own rules, too, at the entry and at the exit", () => {
    const rules = [{ functions: [3], addresses: ['hr/40001..40010'] }]
    const elsewhere = fromHex('00010000000601030001000a')
    const entry = policyOf(link({ rules }), modbusAdapter)
    expect([READ, elsewhere, WRITE].map((frame) => entry?.(frame, 'to-device'))).to.deep.equal(['pass', 'drop', 'drop'])
    expect(entry?.(ANSWER, 'to-master')).to.equal('pass')
    const exit = exitPolicyOf(link({ rules, onDeny: 'close' }), modbusAdapter, 'to-device')
    expect(exit?.(READ, 'to-device')).to.equal('pass')
    expect(exit?.(Buffer.concat([READ, elsewhere]), 'to-device')).to.equal('close')
    expect(exit?.(Buffer.concat([READ, Uint8Array.of(1, 2, 3)]), 'to-device')).to.equal('close')
    const kindToo = policyOf(link({ deny: ['read'], rules }), modbusAdapter)
    expect(kindToo?.(READ, 'to-device')).to.equal('drop')
  })
})
