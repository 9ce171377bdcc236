import { Bundle } from '#src/record/bundle.ts'
import { RecordSealer } from '#src/record/sealer.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The first records of the initiator: a message, a timed one, a bundle of both kinds, and a message of the next epoch. */
export function goldenRecords(secret: Uint8Array): Uint8Array[] {
  const sealer = new RecordSealer(secret.slice(), 'AES-256-GCM', { records: 1000, bytes: 1_000_000 })
  const bundle = new Bundle(1000)
  bundle.add(3, text('close breaker 12'), 90_000)
  bundle.add(4, text(''), undefined)
  const bundled = bundle.finish()
  return [
    sealer.sealMessage(1, text('hello')),
    sealer.sealMessage(2, text('open breaker 12'), 60_000),
    sealer.seal('content' in bundled ? bundled.content : text('')),
    sealer.rekey(),
    sealer.sealMessage(5, text('next epoch')),
  ]
}
