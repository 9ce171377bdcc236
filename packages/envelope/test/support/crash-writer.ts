import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { Journal, Sealer } from '@gridseal/envelope'
import { KEY, frame } from './logs.ts'

// Seals and journals as fast as it can, until it is killed. Every line on standard output is a promise: `N` frames of
// this run are on disk.
// Whoever is killed leaves nothing behind by itself for the next one to start faster.
flushCompileCache()
const [folder = '', run = '0'] = process.argv.slice(2)
const lane = { site: 'crash', direction: 'to-master', class: 'bulk' } as const
const journal = await Journal.open(folder, { maxSegmentBytes: 200_000 })
await journal.addKey(KEY.publicKey)
const end = await journal.history.end(lane)
let acknowledged = 0
const sealer = new Sealer({
  key: KEY,
  ...lane,
  onBatch: (batch) => {
    void journal.append(batch.bytes, batch.before).then(() => {
      acknowledged += batch.entries
      writeSync(1, `${acknowledged}\n`)
    })
  },
  onError: (error) => {
    throw error
  },
})
if (end !== undefined) sealer.continueFrom(end, end.created)
writeSync(1, '0\n')
for (let n = 0; ; n++) {
  sealer.add([{ ...frame(n), link: `run-${run}`, bytes: Buffer.from(String(n)) }])
  await new Promise((resolve) => setTimeout(resolve, n % 7 === 0 ? 1 : 0))
}
