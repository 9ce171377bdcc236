import { expect } from 'chai'
import {
  AuthError,
  DecodeError,
  GridsealError,
  InternalError,
  ProtocolError,
  UsageError,
  describeError,
} from '@gridseal/wire'

describe('errors', () => {
  it('carry code, details, cause and the name of their family', () => {
    const cause = new TypeError('inner')
    for (const Family of [AuthError, ProtocolError, UsageError, InternalError]) {
      const error = new Family('pqc.key.length', 'too short', { expected: 32 }, cause)
      expect(error).to.be.instanceOf(GridsealError).and.instanceOf(Error)
      expect(error).to.include({ code: 'pqc.key.length', message: 'too short', name: Family.name, cause })
      expect(error.details).to.deep.equal({ expected: 32 })
    }
  })

  it('of decoders say where and which field', () => {
    const error = new DecodeError('decode.truncated', 12, 'byteCount', 'needs 2 bytes, has 1')
    expect(error.message).to.equal('needs 2 bytes, has 1 (byteCount at offset 12)')
    expect(error.details).to.deep.equal({ offset: 12, field: 'byteCount' })
    expect(error).to.not.have.property('cause')
    const cause = new RangeError('inner')
    expect(new DecodeError('x', 0, 'f', 'm', { reason: 1 }, cause)).to.include({ cause })
  })

  it('are described for the operator whatever was thrown', () => {
    expect(describeError(new AuthError('envelope.signature', 'no match'))).to.equal('envelope.signature: no match')
    expect(describeError(new RangeError('odd'))).to.equal('odd')
    expect(describeError('text')).to.equal('text')
  })
})
