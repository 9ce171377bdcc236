import { randomBytes } from '@gridseal/pqc'
import { decodeContent } from '#src/record/content.ts'
import { RecordOpener } from '#src/record/opener.ts'
import { RecordSealer } from '#src/record/sealer.ts'

/** Seals a message and opens it again, without a connection: what records cost by themselves. */
export function recordsOf(size: number): () => void {
  const secret = randomBytes(32)
  const sealer = new RecordSealer(secret.slice(), 'AES-256-GCM', { records: Infinity, bytes: Infinity })
  const opener = new RecordOpener(secret, 'AES-256-GCM')
  const message = new Uint8Array(size).fill(0x5a)
  return () => decodeContent(opener.open(sealer.sealMessage(1, message)))
}
