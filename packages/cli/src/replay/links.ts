import { UsageError } from '@gridseal/wire'
import type { Conversation } from './conversation.ts'
import type { PairLink } from './pair.ts'
import type { ReplayLink } from './replayer.ts'
import { DatagramLink, StreamLink } from './replayer.ts'

/** The links that a set of conversations needs: one for each protocol, framing and medium. */
export class ReplayLinks {
  readonly #links = new Map<string, { readonly link: ReplayLink; readonly config: PairLink }>()

  static async open(conversations: readonly Conversation[]): Promise<ReplayLinks> {
    const links = new ReplayLinks()
    for (const conversation of conversations) {
      const id = idOf(conversation)
      if (links.#links.has(id)) continue
      const stream = conversation.medium === 'stream'
      const link = stream ? await StreamLink.open() : await DatagramLink.open()
      const { adapter, framing } = conversation
      const master = `${stream ? 'tcp' : 'udp'}://127.0.0.1:0`
      links.#links.set(id, {
        link,
        config: { id, protocol: adapter.protocol, framing, device: link.deviceUrl, master, peer: link.peerUrl },
      })
    }
    return links
  }

  get configs(): PairLink[] {
    return [...this.#links.values()].map(({ config }) => config)
  }

  /** Tells where both bridges listen, by `site/link`. */
  locate(site: string, headEnd: Readonly<Record<string, string>>, field: Readonly<Record<string, string>>): void {
    for (const [id, { link }] of this.#links) {
      const url = headEnd[`${site}/${id}`]
      if (url === undefined) throw new UsageError('replay.link', `the head-end bridge has no link ${id}`)
      link.masterUrl = url
      if (link instanceof DatagramLink) link.fieldUrl = field[`${site}/${id}`] ?? ''
    }
  }

  for(conversation: Conversation): ReplayLink {
    const entry = this.#links.get(idOf(conversation))
    if (entry === undefined) throw new UsageError('replay.link', `no link for ${conversation.name}`)
    return entry.link
  }

  async close(): Promise<void> {
    for (const { link } of this.#links.values()) await link.close()
  }
}

function idOf({ adapter, framing, medium }: Conversation): string {
  return [adapter.protocol, framing, medium === 'stream' ? 'tcp' : 'udp'].filter(Boolean).join('-')
}
