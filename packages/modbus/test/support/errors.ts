import { expect } from 'chai'
import { DecodeError, GridsealError, UsageError } from '@gridseal/wire'

/** The {@link DecodeError} that a call throws; fails when it throws none or another. */
export function decodeError(call: () => unknown): DecodeError {
  const error = thrown(call)
  expect(error).to.be.instanceOf(DecodeError)
  return error as DecodeError
}

/** The {@link UsageError} that a call throws. */
export function usageError(call: () => unknown): UsageError {
  const error = thrown(call)
  expect(error).to.be.instanceOf(UsageError)
  return error as UsageError
}

/** The {@link GridsealError} that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<GridsealError> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(GridsealError)
    return error as GridsealError
  }
  throw new UsageError('test.nothing-thrown', 'the promise was fulfilled')
}

function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new UsageError('test.nothing-thrown', 'nothing was thrown')
}
