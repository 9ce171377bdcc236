import type { Conversation, CapturedChunk } from '../replay/conversation.ts'
import { walkCapture } from './walk.ts'

/** What a capture holds of known protocols. */
export interface CapturedConversations {
  /** In the order in which they begin. */
  readonly conversations: Conversation[]
  /** Bytes of TCP streams that were not captured: what follows such a gap begins in the middle of something. */
  readonly missing: number
}

export async function readConversations(file: string): Promise<CapturedConversations> {
  const found = new Map<object, { conversation: Conversation; chunks: CapturedChunk[] }>()
  await walkCapture(
    file,
    {},
    {
      piece: (piece) => {
        let entry = found.get(piece.flow)
        if (entry === undefined) {
          const { adapter, framing, medium, client, server } = piece.flow
          const chunks: CapturedChunk[] = []
          entry = { conversation: { name: `${file} ${client} > ${server}`, adapter, framing, medium, chunks }, chunks }
          found.set(piece.flow, entry)
        }
        // The walker's buffers live only for the call.
        entry.chunks.push({ direction: piece.direction, time: piece.time, bytes: new Uint8Array(piece.bytes) })
      },
    },
  )
  return { conversations: [...found.values()].map(({ conversation }) => conversation), missing }
}
