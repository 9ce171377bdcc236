import { GridsealError, InternalError } from '@gridseal/wire'

/** What is not one of ours is a bug of ours: it ends this session, not the process. */
export function asGridsealError(error: unknown): GridsealError {
  if (error instanceof GridsealError) return error
  return new InternalError('channel.internal', 'an unexpected error ended the session', {}, error)
}
