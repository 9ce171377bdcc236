import { GridsealError } from '@gridseal/wire'

/** The code of the error that `action` throws, or what it did instead. */
export function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof GridsealError) return error.code
    throw error
  }
  return 'nothing thrown'
}
