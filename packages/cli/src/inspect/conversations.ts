import type { CapturedChunk, Conversation } from '../replay/conversation.ts'
import { walkCapture } from './walk.ts'

/** What a capture holds of known protocols. */
export interface CapturedConversations {
  /** In the order in which they begin. */
  readonly conversations: Conversation[]
  /** Bytes of TCP streams that were not captured: what follows such a gap begins in the middle of something. */
  readonly missing: number
}

/** All conversations of known protocols in a capture. */
export async function readConversations(file: string): Promise<CapturedConversations> {
  const conversations: Conversation[] = []
  const { missing } = await walkCapture<CapturedChunk[]>(
    file,
    {},
    {
      begin({ adapter, framing, medium, ends: { client, server } }) {
        const chunks: CapturedChunk[] = []
        conversations.push({ name: `${file} ${client.text} > ${server.text}`, adapter, framing, medium, chunks })
        return chunks
      },
      piece(chunks, direction, packet, bytes) {
        // A copy: a view would keep the whole of the capture in memory.
        chunks.push({ direction, time: packet.time, bytes: new Uint8Array(bytes) })
      },
    },
  )
  return { conversations, missing }
}
