import type { CapturedChunk, Conversation } from '../replay/conversation.ts'
import type { Flow } from './flow.ts'
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
  const found = new Map<Flow, CapturedChunk[]>()
  const { missing } = await walkCapture(
    file,
    {},
    {
      piece({ flow, direction, packet, bytes }) {
        let chunks = found.get(flow)
        if (chunks === undefined) found.set(flow, (chunks = []))
        // A copy: a view would keep the whole of the capture in memory.
        chunks.push({ direction, time: packet.time, bytes: new Uint8Array(bytes) })
      },
    },
  )
  const conversations = [...found].map(([{ adapter, framing, medium, client, server }, chunks]): Conversation => ({
    name: `${file} ${client} > ${server}`,
    adapter,
    framing,
    medium,
    chunks,
  }))
  return { conversations, missing }
}
